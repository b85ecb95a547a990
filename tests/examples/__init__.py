"""The apps in examples/: each runs as its README says, without AWS."""
