"""Hard cases of what is installed, and of the environment."""

from __future__ import annotations

from support.hard_cases.case import Case, Group, case


def _distribution(
    name: str, version: str, text: str, requires: str = "", entry: str = ""
) -> dict[str, str]:
    """One module, its METADATA, entry points and RECORD, below site-packages."""
    folder = f"{name}-1.dist-info"
    wants = f"Requires-Dist: {requires}\n" if requires else ""
    points = {f"{folder}/entry_points.txt": f"[NAME]\nit = {entry}\n"} if entry else {}
    return points | {
        f"{name}.py": text,
        f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{wants}",
        f"{folder}/RECORD": f"{name}.py,sha256={version}{len(text):042},9\n"
        f"{folder}/entry_points.txt,sha256={len(entry):043},9\n"
        f"{folder}/METADATA,,\n{folder}/RECORD,,\n",
    }


def _replaced(changes: dict[str, str]) -> dict[str, str]:
    return {f"SITE/{path}": text for path, text in changes.items()}


_TEST = "import {0}\n\n\ndef test_it():\n    assert {0}.SIZE == 1\n"
_TWO = "SIZE = 1\nOTHER = 2\n"
_POINTS = """
from importlib.metadata import entry_points


def test_a():
    assert [point.load() for point in entry_points(group="NAME")] == [1]


def test_b():
    assert True
"""
INSTALLED: tuple[Case, ...] = (
    case(
        "upgraded_distribution",
        {
            "test_NAME.py": _TEST.format("NAME_dist"),
            "test_NAME_other.py": "def test_b():\n    assert True\n",
        },
        _replaced(_distribution("NAME_dist", "2", "SIZE = 2\n")),
        "it",
        installed=_distribution("NAME_dist", "1", "SIZE = 1\n"),
    ),
    case(
        "upgraded_requirement",
        {
            "test_NAME.py": _TEST.format("NAME_dist"),
            "test_NAME_direct.py": _TEST.format("NAME_wanted"),
            "test_NAME_other.py": "def test_b():\n    assert True\n",
        },
        _replaced(_distribution("NAME_wanted", "2", "SIZE = 2\n")),
        "it test_NAME_direct.py::test_it",
        installed=_distribution("NAME_dist", "1", "from NAME_wanted import SIZE\n", "NAME_wanted")
        | _distribution("NAME_wanted", "1", "SIZE = 1\n"),
    ),
    case(
        "entry_point",
        {"test_NAME.py": _POINTS},
        _replaced(_distribution("NAME_dist", "1", _TWO, entry="NAME_dist:OTHER")),
        "a",
        installed=_distribution("NAME_dist", "1", _TWO, entry="NAME_dist:SIZE"),
    ),
    case(
        "entry_point_of_a_new_distribution",
        {"test_NAME.py": _POINTS},
        _replaced(_distribution("NAME_more", "1", _TWO, entry="NAME_more:OTHER")),
        "a",
        installed=_distribution("NAME_dist", "1", _TWO, entry="NAME_dist:SIZE"),
    ),
)
ROOT: tuple[Case, ...] = (
    case(
        "environment_variable",
        {
            "test_NAME.py": "import os\n\n\n"
            "def test_a():\n    assert os.environ.get('HARD_CASE') == 'one'\n",
        },
        {"ENVIRON/HARD_CASE": "two"},
        "a",
        Group.ROOT,
    ),
)
