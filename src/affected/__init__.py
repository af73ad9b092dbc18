"""affected: run only the tests and builds that a change can have altered."""

__version__ = "0.1.0"
