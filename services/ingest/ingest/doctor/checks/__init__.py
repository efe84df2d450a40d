"""The checks of the dataset doctor, one module each."""
