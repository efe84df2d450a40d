"""The job queues and the worker that all services share."""
