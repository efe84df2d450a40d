"""Judges a version on recordings: log replay in closed loop, and scores in open loop."""
