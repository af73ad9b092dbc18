"""The use cases, one a module, and the composition root. Unaware of argv and of the terminal."""
