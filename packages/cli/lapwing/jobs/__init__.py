"""Queues jobs, waits for their results, and gives files to the workers."""
