"""One drive from a start to its end, and the judgement of it."""
