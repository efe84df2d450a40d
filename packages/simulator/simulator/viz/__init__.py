"""Draws plots, videos and contact sheets."""
