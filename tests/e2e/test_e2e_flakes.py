"""Flakes are proven and named with both runs; retrying and quarantine never make a pass of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.workspaces import Checkout, monorepo


@pytest.fixture
def coin(tmp_path: Path) -> Checkout:
    """A test that asks a file outside of the workspace, which nobody sees, how to end."""
    text = (
        "from pathlib import Path\n\nimport other\n\n\ndef test_coin():\n"
        f"    coin = Path({str(tmp_path / 'coin')!r})\n    turn = coin.read_text()\n"
        "    coin.write_text(turn[1:])\n    assert turn[0] == 'p' or other.late()\n\n\n"
        "def test_steady():\n    assert True\n"
    )
    late = "def late():\n    return Path('data.txt').read_text() == 'x'\n"
    files = {
        "test_coin.py": text,
        "other.py": f"from pathlib import Path\n\n\n{late}",
        "data.txt": "y",
        "pyproject.toml": "",
        ".gitignore": "__pycache__/\n",
    }
    return monorepo(tmp_path / "repo", tmp_path / "cache", files)


def turns(checkout: Checkout, text: str) -> None:
    """How the next runs end: p passes, f fails."""
    (checkout.cache.parent / "coin").write_text(text + "f" * 9)


def test_the_same_inputs_with_two_outcomes_are_a_flake_with_both_runs(coin: Checkout) -> None:
    """Though the failure read one file more; afterwards neither outcome is reused."""
    turns(coin, "pfp")
    on_ci = coin.with_variables(
        CI="true", BUILDKITE="true", BUILDKITE_BUILD_URL="https://kite.example/1"
    )
    on_ci.affected("run")
    assert coin.run().reused() == {"test_coin.py"}
    answer = coin.affected("run", "--all", accept=(1,))
    assert "FLAKY  test_coin.py::test_coin  the same inputs, two outcomes" in answer.out
    lines = [line.split() for line in answer.out.splitlines()]
    assert any(words[:1] == ["passed"] and words[-1] == "https://kite.example/1" for words in lines)
    assert any(words[:1] == ["failed"] and "by" in words for words in lines)
    assert coin.run().ran() == {"test_coin.py"}  # it passes, and still proves nothing
    said = coin.affected("explain", "test_coin.py").out
    assert "flaky: the same inputs had two outcomes" in said
    assert "https://kite.example/1" in said


def test_a_pass_got_by_retrying_is_a_pass_and_is_never_reused(coin: Checkout) -> None:
    """It ends the run well, is named, and the test runs again next time."""
    turns(coin, "fpp")
    answer = coin.affected("run", "--retries", "2")
    assert "1 test passed only when run again, which proves nothing" in answer.out
    assert "2 passed" in answer.out
    again = coin.run()
    assert again.ran() == {"test_coin.py"}
    turns(coin, "")
    assert coin.affected("run", "--all", "--retries", "1", accept=(1,)).code == 1


def test_a_quarantined_failure_does_not_fail_the_run_until_its_date(coin: Checkout) -> None:
    """It is named each time; past its date it fails, and its owner is named."""
    turns(coin, "")
    ward = '[[tool.affected.quarantine]]\ntest = "test_coin.py::test_coin"\nowner = "team-a"\nuntil = {}\n'
    coin.write("pyproject.toml", ward.format("2999-12-31"))
    for _ in range(2):
        answer = coin.affected("run")
        assert "1 test in quarantine failed, which does not fail the run" in answer.out
        assert "1 failed" in answer.out
    coin.write("pyproject.toml", ward.format('"2020-01-31"'))
    late = coin.affected("run", accept=(1,))
    assert "the quarantine of test_coin.py::test_coin ended 2020-01-31: ask team-a" in late.out
    coin.write("pyproject.toml", ward.format('"soon"'))
    assert "`quarantine` must be tables of" in coin.affected("run", accept=(2,)).err
