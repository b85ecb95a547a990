"""The gateway door: from the claims that API Gateway has verified to a principal."""
