"""Choosing what runs: pure functions from changes, graph and verdicts to a selection."""
