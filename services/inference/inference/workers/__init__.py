"""The worker processes that compute steering, and the scheduler that feeds them."""
