"""Comparison of a deployed gateway with what the app requires: readers, one model, checks, findings."""
