"""A network as plain layers, their shapes, and two ways to compute it."""
