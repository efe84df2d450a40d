"""Runs the parts of Lapwing, or stands in for one of them, for the tests."""
