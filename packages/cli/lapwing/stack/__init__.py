"""Runs all services as processes of this machine, without containers."""
