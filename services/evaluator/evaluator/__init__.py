"""Evaluates published models, decides in the gate which one drives, and writes reports."""
