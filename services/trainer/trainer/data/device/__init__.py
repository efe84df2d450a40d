"""Keeps, moves and varies frames on the device that trains."""
