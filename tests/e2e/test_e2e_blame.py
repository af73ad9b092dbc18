"""Blame: the commits that changed what a test used, and the guilty one among them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.workspaces import Checkout, monorepo

FILES = {
    "pyproject.toml": "",
    ".gitignore": "__pycache__/\n",
    "one.py": "RATE = 1\n\n\ndef one():\n    return RATE\n",
    "two.py": "def two():\n    return 2\n",
    "data.txt": "1\n",
    "test_one.py": "from pathlib import Path\n\nimport one\n\n\ndef test_one():\n"
    "    assert one.one() == int(Path('data.txt').read_text())\n\n\n"
    "def test_other():\n    assert one\n",
    "test_two.py": "import two\n\n\ndef test_two():\n    assert two.two() == 2\n",
}


@pytest.fixture
def history(tmp_path: Path) -> tuple[Checkout, dict[str, str]]:
    """A history with everything proved at its beginning, and a regression in its middle."""
    made = monorepo(tmp_path / "repo", tmp_path / "cache", FILES)
    made.affected("run")
    tree, ids = made.tree, {"start": made.tree.head()}
    ids["two"] = tree.commit_files({"two.py": "def two():\n    return 1 + 1\n"}, "two: words")
    ids["comment"] = tree.commit_files({"one.py": "# c\n" + FILES["one.py"]}, "one: a comment")
    ids["harmless"] = tree.commit_files(
        {"one.py": FILES["one.py"].replace("return RATE", "return RATE * 1")}, "one: harmless"
    )
    ids["guilty"] = tree.commit_files({"data.txt": "2\n"}, "data: another rate")
    tree.commit_files({"README.md": "words\n"}, "words")
    ids["late"] = tree.commit_files(
        {"one.py": FILES["one.py"].replace("return RATE", "return 1 * RATE")}, "one: late"
    )
    return made, ids


def test_the_suspects_are_the_commits_that_changed_an_input(
    history: tuple[Checkout, dict[str, str]],
) -> None:
    """Since the last commit with what it used when it passed; a comment is left out."""
    checkout, ids = history
    found = checkout.affected("blame", "test_one.py::test_one", "--json").json
    assert [s["commit"] for s in found["suspects"]] == [ids["harmless"], ids["guilty"], ids["late"]]
    assert (found["good"], found["commits"], found["observed"]) == (ids["two"], 5, True)
    assert found["suspects"][1]["paths"] == ["data.txt"]
    words = checkout.affected("blame", "test_one.py", "--bad", ids["harmless"]).out
    assert "1 of 2 commits between" in words
    assert "one: harmless" in words
    assert "nothing was run; --run bisects over just these" in words


def test_run_confirms_the_guilty_one_and_leaves_the_checkout_alone(
    history: tuple[Checkout, dict[str, str]],
) -> None:
    """It fails there and passes just before; what is uncommitted stays out and as it is."""
    checkout, ids = history
    checkout.write("one.py", "broken\n")
    found = checkout.affected("blame", "test_one.py::test_one", "--run", "--json").json
    assert found["guilty"] == ids["guilty"]
    assert len(found["probes"]) <= 4
    assert (checkout.root / "one.py").read_text() == "broken\n"
    span = ("--bad", ids["harmless"], "--good", ids["comment"])
    fine = checkout.affected("blame", "test_one.py::test_one", *span, "--run").out
    assert "it passes at the last suspect" in fine


def test_what_cannot_be_answered_is_said(history: tuple[Checkout, dict[str, str]]) -> None:
    """Nothing changed what it used; nothing on record; names that are not there."""
    checkout, ids = history
    other = checkout.affected("blame", "test_one.py::test_other", "--good", ids["start"]).out
    # It enters no function of what they changed; before Python 3.12 functions are not told apart.
    assert ("none of 6 commits" if sys.version_info >= (3, 12) else "3 of 6 commits") in other
    same = checkout.affected("blame", "test_two.py", "--good", ids["guilty"]).out
    assert "none of 2 commits" in same
    fresh = Checkout(checkout.root, checkout.cache.parent / "empty")
    assert "no commit is on record" in fresh.affected("blame", "test_one.py", accept=(2,)).err
    by_imports = fresh.affected("blame", "test_one.py", "--good", ids["start"]).out
    assert "by its imports alone" in by_imports
    assert "one: harmless" in by_imports
    assert (
        "--good nowhere is not a commit"
        in checkout.affected("blame", "test_one.py", "--good", "nowhere", accept=(2,)).err
    )
    assert "did you mean" in checkout.affected("blame", "test_on.py", accept=(2,)).err
