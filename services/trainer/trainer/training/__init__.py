"""Trains the network: the loop over epochs, and what it keeps for resuming."""
