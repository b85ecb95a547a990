"""Benchmarks of the guard, relative to a bare RSA verification and to other libraries."""
