"""Finds the road in the images of a recording, and where the car was on it."""
