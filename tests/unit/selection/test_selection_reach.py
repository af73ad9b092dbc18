"""Reach: an upper bound, by names, of the functions that a test may enter."""

from __future__ import annotations

import pytest

from affected.lang.python.outline import outline
from affected.model.path import RepoPath
from affected.selection.reach import plain_key, reach

TEST = "def test_it():\n    {}\n"


def reached(body: str, **files: str) -> dict[str, set[str]] | None:
    """What a test with this body reaches in files, given by module name."""
    made = {f"{name}.py": text for name, text in files.items()}
    made["test_it.py"] = "import lib\n\n\n" + TEST.format(body)
    outlines = {RepoPath(path): [outline(text.encode())] for path, text in made.items()}
    found = reach(outlines, {RepoPath("test_it.py"): ["test_it"]})
    return None if found is None else {path: set(keys) for path, keys in found.items()}


LIB = "def one():\n    return two()\n\n\ndef two():\n    return 2\n\n\ndef three():\n    return 3\n"


def test_what_is_mentioned_is_followed_and_the_rest_is_not():
    """Through functions; a function that nobody mentions is not reached."""
    assert reached("lib.one()", lib=LIB)["lib.py"] == {"one", "two"}
    assert "lib.py" not in reached("pass", lib=LIB)


def test_a_function_of_a_module_that_nobody_mentions_is_not_meant():
    """Of two modules' functions of one name."""
    found = reached("lib.one()", lib=LIB, other="def one():\n    return 1\n")
    assert "other.py" not in found


@pytest.mark.parametrize(
    "text",
    [
        "from other import one as renamed\n\n\ndef begin():\n    renamed()\n",
        "import other as o\n\n\ndef begin():\n    o.one()\n",
        "from other import *\n\n\ndef begin():\n    one()\n",
        "def begin():\n    from other import one as f\n    f()\n",
        "def begin():\n    patch('other.one')\n",
        "from other import one\n\nTABLE = {1: one}\n\n\ndef begin():\n    TABLE[1]()\n",
    ],
)
def test_other_names_of_a_function_lead_to_it(text):
    """Aliases, stars, imports inside functions, texts, tables."""
    assert reached("lib.begin()", lib=text, other="def one():\n    pass\n")["other.py"] == {"one"}


def test_what_runs_without_a_mention_is_reached():
    """Special methods, hooks, decorated functions, what an import calls, an instance's methods."""
    other = (
        "import x\n\n\n@x.register\ndef kept():\n    pass\n\n\ndef pytest_runtest_setup():\n    pass\n"
        "\n\ndef made():\n    pass\n\n\nVALUE = made()\n\n\nclass A:\n    def __add__(self, o):\n"
        "        pass\n\n    def write(self):\n        pass\n\n\ndef plain():\n    pass\n"
    )
    always = {"kept", "pytest_runtest_setup", "made", "A.__add__"}
    assert reached("lib.one()", lib=LIB, other=other)["other.py"] == always
    assert reached("other.A()", lib=LIB, other=other)["other.py"] == always | {"A.write"}


def test_a_computed_name_may_be_any():
    """Any function at all, or any whose name starts so."""
    assert reached("getattr(lib, name)()", lib=LIB) is None
    assert reached("getattr(lib, 'th' + name)()", lib=LIB)["lib.py"] == {"three"}


def test_keys_are_told_apart_by_path_alone():
    """The number of a second definition is left out wherever it stands."""
    assert plain_key("A#2.f.<locals>.g#3") == "A.f.<locals>.g"
