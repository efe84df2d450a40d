"""Explains a version: what the network sees, where it looks, and where it is wrong."""
