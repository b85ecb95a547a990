"""The guard as a Lambda authorizer of API Gateway."""
