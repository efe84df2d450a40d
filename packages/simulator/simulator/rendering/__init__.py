"""What the cameras see: the scene, its textures and the renderer."""
