"""What a language's sources say: imports, modules, projects, tests, installed distributions.

Unaware of git, of the index and of the graph: values in, values out.
"""
