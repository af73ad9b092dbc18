"""Places that keep blobs and action results."""
