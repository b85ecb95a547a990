"""Growth: cost against size, with the exponent of each curve."""
