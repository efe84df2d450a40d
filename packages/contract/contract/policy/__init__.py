"""Loads a published model, and computes steering with it."""
