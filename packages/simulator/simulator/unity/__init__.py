"""Speaks the protocol of Udacity's simulator as a client."""
