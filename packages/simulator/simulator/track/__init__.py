"""Describes tracks: their geometry, the built-in tracks, and tracks from CSV files."""
