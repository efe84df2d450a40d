"""What a training is fed with: labels, samples, their order, and the processes that load them."""
