"""Evaluates a model on recordings: by log replay in closed loop, and by open-loop scores."""
