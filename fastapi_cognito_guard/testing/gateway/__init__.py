"""API Gateway on this machine: events, authorizers, and a client that calls an app through them."""
