"""Reads recordings in the format of Udacity's simulator."""
