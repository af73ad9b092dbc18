"""The working tree as bytes, stamps and names.

Unaware of git's commands, of the index, and of what a file means for a test.
"""
