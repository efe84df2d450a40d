"""Records demonstrations of the expert in Udacity's format."""
