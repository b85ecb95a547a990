"""Example API for orders: public, signed-in, scoped and group-only routes, and a WebSocket."""
