"""An API Gateway definition made from the routes of an app."""
