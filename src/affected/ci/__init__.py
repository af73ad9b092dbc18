"""What a CI system tells about a run, and what it wants to be told. Unaware of git and pytest."""
