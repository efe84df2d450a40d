"""Trains a Keras network on the stores and publishes the model."""
