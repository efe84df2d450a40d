"""Provides drivers that run in the simulator's own process."""
