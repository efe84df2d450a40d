"""Drives a version in the simulator and compares how versions drive."""
