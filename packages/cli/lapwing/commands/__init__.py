"""The commands of `lapwing`, one module each."""
