"""Writes imported recordings as LeRobot datasets, version 3 of their format."""
