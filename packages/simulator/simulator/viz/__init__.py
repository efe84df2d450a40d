"""Pictures and videos of drives."""
