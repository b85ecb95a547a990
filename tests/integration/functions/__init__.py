"""Functions that are deployed beside the example app, at the root of its bundle."""
