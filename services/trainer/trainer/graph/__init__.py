"""Networks as data: their layers and shapes, and two ways to compute them."""
