"""Readers of documents about deployed gateways, one module for each format."""
