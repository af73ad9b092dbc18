"""The catalogue of hard cases: after its edit, exactly the tests that it names would run.

All cases stand side by side in one repository that is recorded once. Edits that do not get into each
other's way are made at once, a dry run decides test by test, and plain pytest says what really changed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.hard_cases.calls import CALLS
from support.hard_cases.case import Case, Group
from support.hard_cases.classes import CLASSES
from support.hard_cases.collection import COLLECTION
from support.hard_cases.files import FILES, PROCESSES
from support.hard_cases.installed import INSTALLED, ROOT
from support.hard_cases.reflection import REFLECTION
from support.hard_cases.unseen import UNSEEN
from support.hard_cases.values import VALUES
from support.workspaces import Checkout, monorepo

CASES = (
    *VALUES,
    *CLASSES,
    *REFLECTION,
    *UNSEEN,
    *CALLS,
    *COLLECTION,
    *FILES,
    *PROCESSES,
    *INSTALLED,
    *ROOT,
)
OUTCOMES = Path(__file__).resolve().parents[2] / "benchmarks"
SETTINGS = """
[tool.affected]
env = ["HARD_CASE"]
"""
# Neighbours that are quick share what they were seen to use; here each is to be told apart.
CONFTEST = """
import time


def pytest_runtest_teardown():
    time.sleep(0.012)
"""
# Where more is selected than the edit concerns, and why.
WIDER = {
    **dict.fromkeys(
        (
            *("patched_at_import", "list_changed_in_place", "executed_at_import"),
            *("environment_set_at_import", "state_of_the_standard_library"),
            "registry_of_another_module",
        ),
        "a statement with side effects counts for everyone who loaded its module",
    ),
    **dict.fromkeys(
        (
            *("data_read_at_import", "parametrised_from_a_file", "fixture_body"),
            *("conftest_two_folders_up", "marked_while_collecting", "generated_tests"),
        ),
        "what is read or called while a file is collected counts for all its tests",
    ),
    **dict.fromkeys(
        (
            *("imported_late_by_an_earlier_test", "run_path", "type_hints"),
            *("module_replaced_by_an_object", "fixture_overridden_nearer", "set_name"),
        ),
        "what no collection imports cannot be compared",
    ),
    **dict.fromkeys(("entry_point", "entry_point_of_a_new_distribution"), "a file's distributions"),
    "class_attribute": "who mentions the class may read it whole",
    "visitor_method_added": "the same",
    "fixture_parameters": "the same of a fixture",
    "module_getattr": "any name may be answered by it",
    "constant_that_generated_code_imports": "what generated code reads counts for the whole file",
}
pytestmark = pytest.mark.xdist_group("hard cases")


@dataclass(frozen=True, slots=True)
class Decided:
    """What is said after a group of edits: by a dry run, and by plain pytest."""

    selected: frozenset[str]  # tests, and files of which all tests are
    changed: frozenset[str]
    known: frozenset[str]  # tests there were before

    def of(self, case: Case) -> frozenset[str]:
        """The tests of a case that would run, a file's one by one."""
        tests = (test for test in self.known | case.ids if test.startswith(f"{case.name}/"))
        named = {
            test for test in self.selected if "::" in test and test.startswith(f"{case.name}/")
        }
        return frozenset(named | {test for test in tests if self.has(test)})

    def has(self, test: str) -> bool:
        """Whether a test would run."""
        return test in self.selected or test.partition("::")[0] in self.selected


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, dict[str, str]]:
    """Every case in its folder, all recorded; and what plain pytest says before any edit."""
    folder = tmp_path_factory.mktemp("hard")
    files = {"pyproject.toml": SETTINGS, "conftest.py": CONFTEST}
    files[".gitignore"] = "__pycache__/\n.venv/\n"
    for case in CASES:
        files |= {f"{case.name}/{path}": text for path, text in case.files.items()}
    checkout = monorepo(folder / "repo", folder / "cache", files).with_variables(HARD_CASE="one")
    site = virtual_environment(checkout.root / ".venv")
    for case in CASES:
        for path, text in case.installed.items():
            write(site / path, text)
    checkout.affected("run")
    return checkout, plain(checkout)


@pytest.fixture(scope="module", params=list(Group), ids=lambda group: group.value)
def group(request: pytest.FixtureRequest) -> Group:
    """The groups, one after the other."""
    return request.param


@pytest.fixture(scope="module")
def decided(repository: tuple[Checkout, dict[str, str]], group: Group) -> Iterator[Decided]:
    """The group's edits made, decided upon, and undone."""
    checkout, before = repository
    edited = checkout
    undo: dict[Path, bytes | None] = {}
    for case in of_group(group):
        for path, change in case.edit.items():
            if path.startswith("ENVIRON/"):
                edited = edited.with_variables(**{path.partition("/")[2]: str(change)})
            else:
                place = located(checkout, case, path)
                undo[place] = place.read_bytes() if place.exists() else None
                apply(place, change)
    answer = edited.run("--dry-run")
    results = answer.json["results"]
    selected = {result["id"] for result in results if result["state"] != "reused"}
    told = {result["target"] for result in results}
    whole = {target["label"] for target in answer.json["targets"] if target["state"] != "reused"}
    selected |= whole - told
    after = plain(edited, *(case.name for case in of_group(group)))
    files = {test for test in after if "::" not in test}
    changed = {test for test, outcome in after.items() if before.get(test) != outcome} - files
    changed |= {test for test in before if test.partition("::")[0] in files}
    yield Decided(frozenset(selected), frozenset(changed), frozenset(before))
    for place, raw in undo.items():
        place.unlink(missing_ok=True)
        if raw is not None:
            place.write_bytes(raw)


def of_group(group: Group) -> list[Case]:
    return [case for case in CASES if case.group is group]


def located(checkout: Checkout, case: Case, path: str) -> Path:
    if path.startswith("SITE/"):
        (site,) = (checkout.root / ".venv").glob("lib/python*/site-packages")
        return site / path.removeprefix("SITE/")
    return checkout.root / case.name / path


def apply(place: Path, change: tuple[str, str] | str | None) -> None:
    if change is None:
        place.unlink()
    elif isinstance(change, str):
        write(place, change)
    else:
        text = place.read_text()
        assert text.count(change[0]) == 1, f"{place}: {change[0]!r} stands there once"
        place.write_text(text.replace(*change))


def write(place: Path, text: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)  # as installers and editors do, so that its folder's time moves
    place.write_text(text)


def virtual_environment(folder: Path) -> Path:
    """A virtual environment that finds pytest where we do; its folder of packages."""
    venv.EnvBuilder(symlinks=True).create(folder)
    (site,) = folder.glob("lib/python*/site-packages")
    here = [path for path in sys.path if path.endswith("site-packages")]
    (site / "outer.pth").write_text("\n".join(here) + "\n")
    return site


def plain(checkout: Checkout, *folders: str) -> dict[str, str]:
    """Outcome of every test by plain pytest; files that cannot be collected by their path."""
    target = checkout.cache.parent / "outcomes.json"
    environ: Mapping[str, str] = checkout.environ() | {
        "PYTHONPATH": str(OUTCOMES),
        "OUTCOME_FILE": str(target),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    words = ("-m", "pytest", "-q", "-p", "outcome_plugin", "--continue-on-collection-errors")
    subprocess.run(
        [str(checkout.root / ".venv/bin/python"), *words, "--rootdir=.", *folders],
        cwd=checkout.root,
        env={**os.environ, **environ},
        capture_output=True,
        check=False,
        timeout=120,
    )
    found: dict[str, str] = json.loads(target.read_text())["outcomes"]
    return found


def test_no_changed_outcome_is_left_out(decided: Decided) -> None:
    """Whatever plain pytest shows to have changed is selected."""
    assert {test for test in decided.changed if not decided.has(test)} == set()


def test_every_case_concerns_what_really_changes(decided: Decided, group: Group) -> None:
    """The catalogue is right: what plain pytest shows to have changed is what cases name."""
    named = {test for case in of_group(group) for test in case.ids}
    assert decided.changed <= named


@pytest.mark.skipif(sys.version_info < (3, 12), reason="functions are seen from Python 3.12 on")
def test_exactly_what_an_edit_concerns_is_selected(decided: Decided, group: Group) -> None:
    """Of each case, exactly the tests that it names are selected; of the wider ones, no fewer."""
    wrong = {
        case.name: {
            "not selected": sorted(case.ids - decided.of(case)),
            "selected for nothing": sorted(decided.of(case) - case.ids),
        }
        for case in of_group(group)
        if (case.ids - decided.of(case)) or (case.name not in WIDER and decided.of(case) - case.ids)
    }
    assert wrong == {}
