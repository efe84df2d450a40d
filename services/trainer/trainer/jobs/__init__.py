"""The jobs of the trainer, one module for each; RQ calls them by name."""
