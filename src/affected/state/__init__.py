"""What is remembered between runs on this machine. Unaware of git, tests and caches of results."""
