"""Speaks the Unity simulator's side of the wire."""
