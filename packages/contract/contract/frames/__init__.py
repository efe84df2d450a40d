"""How a camera image becomes the frame that a network is given."""
