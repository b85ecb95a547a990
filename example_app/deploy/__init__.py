"""The API on AWS: templates, made from its own routes and kept beside this file."""
