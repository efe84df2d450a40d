"""Runs real object stores for the tests."""
