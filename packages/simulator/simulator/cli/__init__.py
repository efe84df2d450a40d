"""Provides the simulator's commands."""
