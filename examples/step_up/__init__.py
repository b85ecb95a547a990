"""Payments need a stronger sign-in than all else."""
