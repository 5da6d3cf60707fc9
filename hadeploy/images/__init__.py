"""Container images: where nodes get them from, and bringing them there."""
