"""Imports recordings of Udacity's simulator into the frame store."""
