"""The token door: from a bearer token to a principal."""
