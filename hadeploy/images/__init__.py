"""Container images: saves, pulls and loads them."""
