"""Runs one drive from its start to its end, and measures it."""
