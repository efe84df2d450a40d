"""Estimates from recordings how the simulator's cameras really stand above the road."""
