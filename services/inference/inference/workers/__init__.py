"""The worker processes that predict steering, and the scheduler that distributes frames to them."""
