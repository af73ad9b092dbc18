"""The safety benchmark: seeded edits of real projects, everything run, selection compared."""
