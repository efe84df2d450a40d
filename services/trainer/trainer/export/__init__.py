"""What a version is published with: the LiteRT model, the layer table and the manifest."""
