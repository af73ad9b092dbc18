"""Does what a plan says: starts pytest, follows what its tracer writes, gathers what it saw.

Unaware of why a target was selected, of caches and of how anything is shown.
"""
