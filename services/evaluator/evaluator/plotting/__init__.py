"""The look of all charts that the evaluator draws."""
