"""Speaks the protocol of Udacity's simulator as its client."""
