"""Callers of some routes own what they ask for."""
