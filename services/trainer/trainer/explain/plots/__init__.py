"""Draws the images of an explanation."""
