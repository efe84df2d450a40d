"""Renders what the cameras of the car see: the scene, its textures and the renderer."""
