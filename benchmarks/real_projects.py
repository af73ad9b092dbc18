"""Does selection hold on real projects? Each claim checked against plain pytest.

    python -m benchmarks.real_projects [NAME…] [--prepare] [--again]

Without names all are checked but those whose recipe says that they are hard, and why.
Every project is unpacked from its source archive, committed, and left unconfigured; then:

  same      `affected run` gives the outcomes of plain pytest, test by test
  second    a second run runs nothing (but what an earlier run could not vouch for)
  document  a comment in a document runs nothing
  data      an edited data file runs exactly the files that opened it under plain pytest
  function  a function that now raises runs only files that import its module, in however many
            steps, and the joined outcomes are those of plain pytest on the edited tree
  deleted   the same for a deleted module
  stash     after `git stash` and `git stash pop` nothing runs

What plain pytest says is kept by content, so an interrupted check goes on where it was. Unaware of
how the tool decides. Exit code 1 when a claim does not hold.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.importers import importers_of
from benchmarks.measure import Command, affected_command
from benchmarks.projects import PROJECTS, Prepared, Recipe, prepare
from benchmarks.trees import OUT, edited, git, run_quietly

_TIME = re.compile(r"\d\d:\d\d:\d\d|\d{4}-\d\d-\d\d|\d\d-\d\d-\d{4}")
_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim about one project."""

    claim: str
    holds: bool
    ran: int  # test files that ran
    of: int  # test files in all
    seconds: float  # of the `affected run`
    note: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """What one `affected run --json` said."""

    ran: frozenset[str]  # test files
    reused: frozenset[str]
    unvouched: frozenset[str]
    outcomes: dict[str, str]
    seconds: float
    selection: str


class Check:
    """The claims about one project, checked one after the other on its tree."""

    def __init__(self, project: Prepared[Recipe]) -> None:
        self._project = project
        self._tree = project.tree
        self._cache = OUT / "real" / project.recipe.name / "cache"
        self._plain_folder = OUT / "real" / project.recipe.name / "plain"
        self._plain_folder.mkdir(exist_ok=True)
        self._paths = git(self._tree, "ls-files", "-z").split("\0")[:-1]
        self._excused: frozenset[str] = frozenset()  # what the first run could not vouch for
        self._files = 0

    def claims(self) -> Iterator[Claim]:
        """All of them, one after the other, from a clean tree and an empty cache."""
        git(self._tree, "checkout", "-q", "--", ".")
        shutil.rmtree(self._cache, ignore_errors=True)
        plain = self._plain()
        yield self._same(plain)
        yield self._second()
        yield self._document()
        if self._project.recipe.data:
            yield self._resource(plain)
        yield self._function()
        yield self._deleted()
        yield self._stash()

    def _same(self, plain: dict[str, Any]) -> Claim:
        run = self._run()
        self._excused = run.unvouched
        self._files = len(run.ran | run.reused)
        bad = frozenset(
            test.partition("::")[0]
            for test, outcome in run.outcomes.items()
            if outcome in ("failed", "error")
        )
        self._excused |= bad
        wrong = _unlike(plain["outcomes"], run.outcomes, self._tree)
        note = f"{len(run.outcomes)} tests" + _some(wrong)
        return self._claim("same", not wrong, run, note)

    def _second(self) -> Claim:
        run = self._run()
        extra = run.ran - self._excused
        note = f"{len(run.ran)} not vouched for" if run.ran else run.selection
        return self._claim("second", not extra, run, note + _some(sorted(extra)))

    def _document(self) -> Claim:
        path = self._tree / self._project.recipe.document
        with edited(path) as before:
            path.write_bytes(before + b"\n.. a remark\n")
            run = self._run()
        extra = run.ran - self._excused
        return self._claim("document", not extra, run, _some(sorted(extra)))

    def _resource(self, plain: dict[str, Any]) -> Claim:
        path = self._project.recipe.data
        readers = frozenset(plain["reads"].get(path, ()))
        with edited(self._tree / path) as before:
            (self._tree / path).write_bytes(before + b"\n")
            run = self._run()
        missed, extra = readers - run.ran, run.ran - readers - self._excused
        note = f"{path}: {len(readers)} readers" + _some(sorted(missed | extra))
        return self._claim("data", bool(readers) and not missed and not extra, run, note)

    def _function(self) -> Claim:
        path, name = self._project.recipe.function
        with edited(self._tree / path) as before:
            text = raising(before.decode(), name)
            (self._tree / path).write_text(text, encoding="utf-8")
            claim = self._against_plain("function", path)
        return self._settled_again(claim)

    def _deleted(self) -> Claim:
        path = self._project.recipe.deleted
        with edited(self._tree / path):
            allowed = importers_of(self._tree, self._paths, path)
            (self._tree / path).unlink()
            claim = self._against_plain("deleted", path, allowed)
        return self._settled_again(claim)

    def _stash(self) -> Claim:
        path, name = self._project.recipe.function
        text = (self._tree / path).read_text(encoding="utf-8")
        (self._tree / path).write_text(raising(text, name, "_edited = 1"), encoding="utf-8")
        self._run()
        git(self._tree, "stash", "-q")
        away = self._run()
        git(self._tree, "stash", "pop", "-q")
        back = self._run()
        git(self._tree, "checkout", "-q", "--", ".")
        extra = (away.ran | back.ran) - self._excused
        return self._claim("stash", not extra, back, _some(sorted(extra)))

    def _against_plain(self, claim: str, path: str, allowed: set[str] | None = None) -> Claim:
        if allowed is None:
            allowed = importers_of(self._tree, self._paths, path)
        run = self._run()
        plain = self._plain()
        wrong = _unlike(plain["outcomes"], run.outcomes, self._tree)
        extra = run.ran - allowed - self._excused
        note = f"{path}: {len(wrong)} outcomes wrong" + _some(wrong) + _some(sorted(extra))
        return self._claim(claim, bool(run.ran) and not wrong and not extra, run, note)

    def _settled_again(self, claim: Claim) -> Claim:
        """The same claim, broken if the restored tree has anything to run."""
        extra = self._run().ran - self._excused
        if not extra:
            return claim
        note = f"{claim.note}; restored, yet runs" + _some(sorted(extra))
        return Claim(claim.claim, False, claim.ran, claim.of, claim.seconds, note)

    def _claim(self, claim: str, holds: bool, run: Run, note: str) -> Claim:
        return Claim(claim, holds, len(run.ran), self._files, run.seconds, note.strip(" ;"))

    def _run(self) -> Run:
        options = ("--", *self._project.recipe.arguments) if self._project.recipe.arguments else ()
        words = ("run", "--json", *options)
        command = affected_command("run", self._tree, self._cache, *words, accepted=(0, 1))
        began = time.monotonic()
        answer = run_quietly(command)
        if not answer.startswith("{"):
            raise RuntimeError(f"`affected run --json` gave no JSON: {answer[-300:]!r}")
        said = json.loads(answer)
        return read_run(said, time.monotonic() - began)

    def _plain(self) -> dict[str, Any]:
        """Outcomes and opened files of plain pytest on the tree as it is now."""
        state = git(self._tree, "stash", "create").strip() or "clean"
        if state != "clean":
            state = git(self._tree, "rev-parse", f"{state}^{{tree}}").strip()
        arguments = self._project.recipe.arguments
        key = hashlib.sha256(repr((state, arguments)).encode()).hexdigest()[:20]
        target = self._plain_folder / f"{key}.json"
        if not target.exists():
            unfinished = target.with_suffix(".part")
            run_quietly(self._plain_command(unfinished))
            unfinished.rename(target)
        loaded: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
        return loaded

    def _plain_command(self, target: Path) -> Command:
        words = (str(self._project.python), "-m", "pytest", "-q", "-p", "outcome_plugin")
        options = ("-p", "no:cacheprovider", "--continue-on-collection-errors")
        environ = {"PYTHONPATH": str(_HERE), "OUTCOME_FILE": str(target), "CI": None}
        everything = (*words, *options, *self._project.recipe.arguments)
        return Command("pytest", everything, self._tree, environ, (0, 1))


def read_run(said: dict[str, Any], seconds: float) -> Run:
    """The answer of `affected run --json` as sets of test files and outcomes by test."""
    by_state: dict[str, set[str]] = {}
    for target in said["targets"]:
        by_state.setdefault(target["state"], set()).add(target["label"])
    ran = by_state.get("ran", set()) | by_state.get("failed", set())
    return Run(
        frozenset(ran | by_state.get("unfinished", set())),
        frozenset(by_state.get("reused", set())),
        frozenset(item["target"] for item in said["unvouched"]),
        {result["id"]: result["outcome"] for result in said["results"]},
        seconds,
        said["selection"],
    )


def raising(text: str, function: str, statement: str = "raise ZeroDivisionError") -> str:
    """`text` with `statement` as the first one of the named function's body."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == function:
            first = node.body[0]
            is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            if is_docstring and len(node.body) > 1:
                first = node.body[1]
            lines = text.split("\n")
            lines.insert(first.lineno - 1, " " * first.col_offset + statement)
            return "\n".join(lines)
    raise ValueError(f"there is no function {function}")


def portable(outcomes: dict[str, str], root: str) -> dict[str, str]:
    """The same outcomes, without the time of day and the folder that some ids hold."""
    return {
        _TIME.sub("<time>", test).replace(root, "<workspace>"): outcome
        for test, outcome in outcomes.items()
    }


def _unlike(plain: dict[str, str], ours: dict[str, str], root: Path) -> list[str]:
    """Tests whose outcomes differ, with both."""
    plain, ours = portable(plain, str(root)), portable(ours, str(root))
    return [
        f"{test}: pytest {plain.get(test, 'none')}, affected {ours.get(test, 'none')}"
        for test in sorted(plain.keys() | ours.keys())
        if plain.get(test) != ours.get(test)
    ]


def _some(items: list[str]) -> str:
    if not items:
        return ""
    return "; " + "; ".join(items[:3]) + (f"; and {len(items) - 3} more" if len(items) > 3 else "")


def table(results: dict[str, list[Claim]]) -> str:
    """All claims as a Markdown table."""
    lines = ["| project | claim | holds | files run | seconds | |", "|---|---|---|--:|--:|---|"]
    for name, claims in results.items():
        for claim in claims:
            mark = "yes" if claim.holds else "**NO**"
            ran = f"{claim.ran} of {claim.of}"
            note = claim.note.replace("|", "\\|")
            lines.append(
                f"| {name} | {claim.claim} | {mark} | {ran} | {claim.seconds:.1f} | {note} |"
            )
    return "\n".join(lines) + "\n"


def check(name: str, say: Callable[[str], object]) -> list[Claim]:
    """Prepare one project and check every claim on it; its results are kept in its folder."""
    project = prepare(PROJECTS[name])
    say(f"{name}: checking")
    claims: list[Claim] = []
    try:
        for claim in Check(project).claims():
            say(f"  {claim.claim}: {'holds' if claim.holds else 'DOES NOT HOLD'} {claim.note}")
            claims.append(claim)
    except RuntimeError as error:
        claims.append(Claim("crashed", False, 0, 0, 0.0, str(error).replace("\n", " ")[-300:]))
    kept = OUT / "real" / name / "claims.json"
    kept.write_text(json.dumps([asdict(claim) for claim in claims], indent=1), encoding="utf-8")
    return claims


def main(arguments: list[str] | None = None) -> int:
    """Check the named projects, or all; print one table and write it as JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.real_projects",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(sorted(PROJECTS)))
    parser.add_argument("--prepare", action="store_true", help="only download and install")
    parser.add_argument("--again", action="store_true", help="check what was checked before, too")
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.names if name not in PROJECTS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(PROJECTS))}")
    results: dict[str, list[Claim]] = {}
    usual = [name for name, recipe in sorted(PROJECTS.items()) if not recipe.hard]
    for name in chosen.names or usual:
        if chosen.prepare:
            prepare(PROJECTS[name])
            continue
        kept = OUT / "real" / name / "claims.json"
        if kept.exists() and not chosen.again:
            results[name] = [Claim(**claim) for claim in json.loads(kept.read_text("utf-8"))]
        else:
            results[name] = check(name, lambda line: print(line, file=sys.stderr))
    if results:
        print(table(results))
    (OUT / "real_projects.json").write_text(
        json.dumps({name: [asdict(c) for c in claims] for name, claims in results.items()}) + "\n",
        encoding="utf-8",
    )
    return 0 if all(claim.holds for claims in results.values() for claim in claims) else 1


if __name__ == "__main__":
    sys.exit(main())
