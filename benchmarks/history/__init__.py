"""Public histories replayed as a CI would: each commit by plain pytest and by `affected`."""
