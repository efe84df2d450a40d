"""Makes the files of a version: the LiteRT model, the layer table and the manifest."""
