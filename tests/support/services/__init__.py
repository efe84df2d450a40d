"""Runs the parts of Lapwing for the tests, or replaces one of them."""
