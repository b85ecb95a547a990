"""A small real API, protected: public, signed-in, scoped and group-only routes, and a WebSocket."""
