"""Everything asked of git, by git's own commands in their NUL-terminated forms.

Unaware of what changed paths mean for tests, of the index, and of configuration.
"""
