"""Queues jobs, follows them, and hands files over to the workers."""
