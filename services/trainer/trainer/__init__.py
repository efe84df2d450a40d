"""Streams the store into a Keras network and publishes the model."""
