"""Settings of `[tool.affected]`: what may be said and what was said. Unaware of their use."""
