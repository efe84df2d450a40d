"""The dataset doctor: what is wrong with a recording, by which evidence, and what cures it."""
