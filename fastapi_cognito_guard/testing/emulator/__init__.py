"""A Cognito user pool on loopback: directory, OAuth server and sign-in page."""
