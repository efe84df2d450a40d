"""Estimates from recordings how the cameras stand, and what colours the world has."""
