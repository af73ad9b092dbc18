"""The graph of what needs what: closures, cycles, chains. Unaware of where edges come from."""
