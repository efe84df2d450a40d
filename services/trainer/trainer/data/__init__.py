"""The data of a training: its split, labels, samples and their order, and their loading."""
