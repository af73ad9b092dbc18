"""What each service of the interface answers."""
