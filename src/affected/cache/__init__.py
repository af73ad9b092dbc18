"""Records of what was observed, and where they are kept. Unaware of who asks and of what runs."""
