"""Answers a JPEG frame with a steering command over HTTP."""
