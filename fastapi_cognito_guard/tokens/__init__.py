"""The token door: from a string that proves nothing to claims with a good signature."""
