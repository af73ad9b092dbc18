"""The guest in the user's test process: one pytest plugin, standard library only, injected by path.

Unaware of everything else of ours: it is loaded by `entry/affected_tracer.py` under the package
name `_affected_tracer`, from Python 3.9 on, and only writes what it saw to a spool (spool.py).
"""
