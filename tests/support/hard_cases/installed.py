"""Hard cases of what is installed, and of the environment."""

from __future__ import annotations

from support.hard_cases.case import Case, Group, case


def _distribution(name: str, version: str, text: str, requires: str = "") -> dict[str, str]:
    """One module, its METADATA and its RECORD, below site-packages."""
    folder = f"{name}-1.dist-info"
    wants = f"Requires-Dist: {requires}\n" if requires else ""
    return {
        f"{name}.py": text,
        f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{wants}",
        f"{folder}/RECORD": f"{name}.py,sha256={version}{len(text):042},9\n"
        f"{folder}/METADATA,,\n{folder}/RECORD,,\n",
    }


def _replaced(changes: dict[str, str]) -> dict[str, str]:
    return {f"SITE/{path}": text for path, text in changes.items()}


_TEST = "import {0}\n\n\ndef test_it():\n    assert {0}.SIZE == 1\n"
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
        {
            "test_NAME.py": """
            from importlib.metadata import entry_points


            def test_a():
                (point,) = entry_points(group="NAME")
                assert point.load() == 1


            def test_b():
                assert True
            """,
        },
        {"SITE/NAME_dist-1.dist-info/entry_points.txt": "[NAME]\none = NAME_dist:OTHER\n"},
        "a",
        installed=_distribution("NAME_dist", "1", "SIZE = 1\nOTHER = 2\n")
        | {"NAME_dist-1.dist-info/entry_points.txt": "[NAME]\none = NAME_dist:SIZE\n"},
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
