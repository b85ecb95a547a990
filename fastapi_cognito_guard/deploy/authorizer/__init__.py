"""The guard as a Lambda authorizer in front of a gateway."""
