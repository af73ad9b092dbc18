"""`python -m affected`. Unaware of everything but the command line's entry point."""

from __future__ import annotations

from affected.cli.main import main

if __name__ == "__main__":
    main()
