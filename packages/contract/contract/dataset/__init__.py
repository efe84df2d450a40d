"""Reads the frame store of a recording, and derives time, segments and splits from its rows."""
