"""Functions deployed with the example app, at the root of its bundle."""
