"""Says how the cameras of a recording stood, without which no view of it can be moved."""
