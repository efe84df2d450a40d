"""The dataset doctor: it finds the faults of recordings, and says how to cure them."""
