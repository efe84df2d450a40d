"""Holds the job queues, and the worker that all services use to run their jobs."""
