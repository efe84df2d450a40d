"""Turns a camera's image into the frame that a network is given."""
