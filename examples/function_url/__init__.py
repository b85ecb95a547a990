"""A Lambda function at a function URL, without a gateway."""
