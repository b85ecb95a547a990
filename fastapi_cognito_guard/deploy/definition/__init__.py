"""Build an API Gateway definition from the routes of an app."""
