"""Tracks: their geometry, the built-in ones, and tracks read from files."""
