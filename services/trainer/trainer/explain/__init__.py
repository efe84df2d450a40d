"""Explains a version: what it sees, where it looks, and where it errs."""
