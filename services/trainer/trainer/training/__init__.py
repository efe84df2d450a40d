"""Trains the network: the loop over epochs, and the state from which it resumes."""
