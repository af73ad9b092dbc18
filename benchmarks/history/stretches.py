"""The stretches of public history that are replayed, and what their tests need.

Unaware of how they are replayed. A stretch is the newest commits of the mainline (first parents),
up to the end named, whatever they changed. Requirements are installed once, so that what
changes from commit to commit is the repository alone.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A project, the last commit of its stretch, and how its tests are run.

    `packages` are the folders that are installed in place. `sessions` are the parts of the test
    suite that the project itself starts pytest for, each as its arguments.
    """

    name: str
    repository: str  # OWNER/NAME on GitHub
    end: str
    requirements: tuple[str, ...]
    packages: tuple[str, ...] = (".",)
    sessions: tuple[tuple[str, ...], ...] = ((),)

    @property
    def address(self) -> str:
        """Where its history is had from, unless a copy is named."""
        return f"https://github.com/{self.repository}"


_ALL = (
    Stretch(
        name="marshmallow",
        repository="marshmallow-code/marshmallow",
        end="341b927f",
        requirements=("pytest", "simplejson", "pytz"),
    ),
    Stretch(
        name="jinja",
        repository="pallets/jinja",
        end="5ef70112",
        requirements=("pytest", "trio", "markupsafe"),
    ),
    Stretch(
        name="click",
        repository="pallets/click",
        end="2c8cd3ac",
        requirements=("pytest",),
    ),
)
STRETCHES = {stretch.name: stretch for stretch in _ALL}
