"""Relays the simulator's telemetry to inference and answers it with steering."""
