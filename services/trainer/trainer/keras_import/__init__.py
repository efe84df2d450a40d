"""Reads model files of Keras 1, 2 and 3 as data; nothing in a file is executed."""
