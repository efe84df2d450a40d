"""The checks of the dataset doctor: each module looks for one kind of fault."""
