"""The world around the car, made of NumPy arrays, and the camera that sees it."""
