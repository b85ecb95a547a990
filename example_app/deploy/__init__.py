"""CloudFormation templates of the API, built from its routes."""
