"""The model registry: versions of models, which of them drives, and why."""
