"""Simulation of a fleet that fetches the keys of one pool: cold starts, rotations, outages, throttling."""
