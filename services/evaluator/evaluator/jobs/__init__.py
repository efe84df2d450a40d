"""The jobs of the evaluator, one module each; RQ calls them by name."""
