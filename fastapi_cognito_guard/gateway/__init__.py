"""The gateway door: reads the claims that API Gateway has already validated."""
