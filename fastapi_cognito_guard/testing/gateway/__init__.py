"""API Gateway in memory: events, authorizers, and a client that calls an app through them."""
