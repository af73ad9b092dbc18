"""Python: facts of a file, module roots, resolution, targets, distributions, interpreters.

Unaware of what is done with them.
"""
