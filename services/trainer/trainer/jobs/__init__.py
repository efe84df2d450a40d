"""The jobs of the trainer, one module each; RQ calls them by name."""
