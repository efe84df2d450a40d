"""Compares what a version would steer with what the version that drives steers."""
