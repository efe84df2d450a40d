"""Finds out what the data volume holds, for the command `datasets`."""
