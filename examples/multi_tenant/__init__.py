"""Tenants come and go, each with a user pool of its own."""
