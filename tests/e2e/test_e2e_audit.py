"""An audit runs what would be skipped; a miss is found, told from a flake, and has consequences."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.workspaces import Checkout, monorepo


@pytest.fixture
def trusting(tmp_path: Path) -> Checkout:
    """Everything is proved; one test depends on a file outside of the workspace, unseen."""
    outside = tmp_path / "outside"
    outside.write_text("p")
    files = {
        "pyproject.toml": "",
        ".gitignore": "__pycache__/\n",
        "one.py": "def one():\n    return 1\n",
        "test_one.py": "import one\n\n\ndef test_one():\n    assert one.one() == 1\n",
        "test_two.py": "def test_two():\n    assert True\n",
        "test_unseen.py": "from pathlib import Path\n\nimport one\n\n\ndef test_unseen():\n"
        f"    file = Path({str(outside)!r})\n    turn = file.read_text()\n"
        "    file.write_text(turn[1:] + turn[0])\n    assert turn[0] == 'p'\n",
    }
    made = monorepo(tmp_path / "repo", tmp_path / "cache", files)
    made.affected("run")
    return made


def test_a_good_sample_bounds_the_rate_and_adds_up_over_time(trusting: Checkout) -> None:
    """The same seed draws the same sample; everything stays proved."""
    first = trusting.affected("audit", "--sample", "40%", "--seed", "7").out
    assert "audited 1 of 3 skipped test files" in first
    assert "nothing missed: at most 95% of skipped files, at 95% confidence" in first
    found = trusting.affected("audit", "--sample", "100%", "--json").json
    assert (found["files"], found["misses"], found["history"]["files"]) == (3, [], 4)
    assert found["history"]["bound"] < found["bound"] < 1
    assert "nothing to run" in trusting.affected("run").out
    assert "is not a share" in trusting.affected("audit", "--sample", "2", accept=(2,)).err


def test_a_miss_ends_with_4_and_widens_the_precision_until_it_is_reset(trusting: Checkout) -> None:
    """What failed is not skipped any more; what the graph reaches runs though it is proved."""
    outside = trusting.cache.parent / "outside"
    outside.write_text("f")
    answer = trusting.affected("audit", "--sample", "100%", accept=(4,))
    assert "MISSED test_unseen.py::test_unseen" in answer.out
    assert "precision is widened: 1 of the tests in 3 audited test files were missed" in answer.out
    outside.write_text("p")
    trusting.write("one.py", "def one():\n    return 2 - 1\n")
    trusting.affected("run")
    trusting.write("one.py", "def one():\n    return 1\n")  # proved, as it was before
    trusting.tree.commit("words")
    trusting.write("one.py", "def one():\n    return 2 - 1\n")  # proved as well
    found = trusting.run()
    assert "test_one.py" in found.ran()
    assert "test_two.py" not in found.ran()
    assert any("precision is widened since" in notice for notice in found.json["notices"])
    trusting.affected("audit", "--reset")
    assert "test_one.py" in trusting.run().reused()


def test_a_flake_is_no_miss(trusting: Checkout) -> None:
    """It fails once and passes when it is run again."""
    (trusting.cache.parent / "outside").write_text("fpp")
    answer = trusting.affected("audit", "--budget", "5m")
    assert "FLAKY  test_unseen.py::test_unseen" in answer.out
    assert "nothing missed" in answer.out
