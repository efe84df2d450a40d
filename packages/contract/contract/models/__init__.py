"""The model registry: versions, which one drives, and why."""
