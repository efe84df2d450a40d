"""The driver of one simulator, and the control of its speed."""
