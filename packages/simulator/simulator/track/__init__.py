"""Describes tracks: their geometry, the built-in tracks, tracks from seeds and from CSV files."""
