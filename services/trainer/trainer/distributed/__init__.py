"""Trains one network with several workers of a cluster: data-parallel, with Keras on JAX."""
