"""One commit after the other: everything by plain pytest, then what `affected run` makes of it.

Unaware of figures over many commits. Both start from a checkout without compiled files. A test's
outcome by `affected`, reused or not, must be the one that plain pytest gives; one that was reused
and is not, or that is in no answer, is a miss. Before it counts, everything is run again: a test on
which plain runs disagree is unsteady; one that by itself has the reused outcome was polluted.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.history.checkout import Commit, Machine
from benchmarks.measure import Command, affected_command, environment_of, run_once
from benchmarks.real_projects import portable

_PLUGINS = str(Path(__file__).resolve().parent.parent)
_ALONE = 5  # suspected misses of one commit that are run by themselves


@dataclass(frozen=True, slots=True)
class Plain:
    """What a full run said and took; seconds."""

    outcomes: Mapping[str, str]
    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Ours:
    """What `affected run` said and took; `ran` and `outcomes` by test id."""

    outcomes: Mapping[str, str]
    ran: frozenset[str]
    files: int  # that were started
    blind: frozenset[str]  # test files that run each time, for what cannot be seen
    wall: float
    cpu: float


@dataclass(slots=True)
class Step:
    """One commit measured. Changed, missed, unlike: [outcome before or ours, plain outcome]."""

    commit: str
    date: str
    subject: str
    files_changed: int
    python_changed: int
    tests: int
    ran: int
    ran_blind: int  # of these, in files that run each time for what cannot be seen
    plain_wall: float
    plain_cpu: float
    our_wall: float
    our_cpu: float
    changed: dict[str, list[str]] = field(default_factory=dict)
    missed: dict[str, list[str]] = field(default_factory=dict)
    unlike: dict[str, list[str]] = field(default_factory=dict)  # ran, with another outcome
    unsteady: list[str] = field(default_factory=list)
    polluted: list[str] = field(default_factory=list)


class Ledger:
    """What was measured of one stretch, a line a commit, and the outcomes of the last one."""

    def __init__(self, home: Path) -> None:
        self._path = home / "steps.jsonl"
        self._last = home / "last.json"

    def steps(self) -> list[Step]:
        """Everything measured, in order."""
        if not self._path.exists():
            return []
        lines = self._path.read_text("utf-8").splitlines()
        return [Step(**json.loads(line)) for line in lines]

    def last(self) -> dict[str, str]:
        """The plain outcomes of the last commit measured."""
        return json.loads(self._last.read_text("utf-8")) if self._last.exists() else {}

    def add(self, step: Step, outcomes: Mapping[str, str]) -> None:
        """Keep one more."""
        self._last.write_text(json.dumps(dict(outcomes)), encoding="utf-8")
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(asdict(step)) + "\n")

    def forget(self) -> None:
        """Start over."""
        self._path.unlink(missing_ok=True)
        self._last.unlink(missing_ok=True)


def replay(
    machine: Machine, commits: Sequence[Commit], ledger: Ledger, seconds: float
) -> Iterator[Step]:
    """Measure the commits that are not in the ledger yet, until the time is up."""
    deadline = time.monotonic() + seconds
    for commit in commits[len(ledger.steps()) :]:
        if time.monotonic() > deadline:
            return
        machine.check_out(commit)
        step, outcomes = _measure(machine, commit, ledger.last())
        ledger.add(step, outcomes)
        yield step


def _measure(
    machine: Machine, commit: Commit, before: Mapping[str, str]
) -> tuple[Step, Mapping[str, str]]:
    plain = _plain(machine)
    machine.clean()
    ours = _ours(machine)
    machine.clean()
    step = Step(
        commit=commit.id,
        date=commit.date,
        subject=commit.subject,
        files_changed=len(commit.paths),
        python_changed=sum(path.endswith(".py") for path in commit.paths),
        tests=len(plain.outcomes),
        ran=len(ours.ran),
        ran_blind=sum(test.partition("::")[0] in ours.blind for test in ours.ran),
        plain_wall=plain.wall,
        plain_cpu=plain.cpu,
        our_wall=ours.wall,
        our_cpu=ours.cpu,
    )
    if before:
        step.changed = _differing(before, plain.outcomes)
    unlike = _differing(ours.outcomes, plain.outcomes)
    if unlike:
        _look_again(machine, plain, ours, unlike, step)
    return step, plain.outcomes


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, list[str]]:
    return {
        test: [one.get(test, "none"), other.get(test, "none")]
        for test in sorted(one.keys() | other.keys())
        if one.get(test) != other.get(test)
    }


def _look_again(
    machine: Machine, plain: Plain, ours: Ours, unlike: Mapping[str, list[str]], step: Step
) -> None:
    again = _plain(machine).outcomes
    machine.clean()
    tried = 0
    for test, pair in unlike.items():
        if again.get(test) != plain.outcomes.get(test):
            step.unsteady.append(test)
        elif test in ours.ran:
            step.unlike[test] = pair
        else:
            tried += 1
            alone = _plain(machine, test).outcomes if tried <= _ALONE and "::" in test else {}
            if alone.get(test, "") == pair[0]:
                step.polluted.append(test)
            else:
                step.missed[test] = pair


def _plain(machine: Machine, only: str = "") -> Plain:
    """Everything, or one test, by the project's own sessions of pytest."""
    outcomes: dict[str, str] = {}
    wall = cpu = 0.0
    target = machine.home / "outcomes.json"
    for session in machine.stretch.sessions:
        target.unlink(missing_ok=True)
        environ = {
            **dict.fromkeys(_inherited(machine)),
            **machine.environ(),
            "PYTHONPATH": _PLUGINS,
            "OUTCOME_FILE": str(target),
            "OUTCOME_READS": "no",
        }
        options = ("-p", "outcome_plugin", "--continue-on-collection-errors", "--tb=no", "-q")
        chosen = (only,) if only else session
        words = (str(machine.python), "-m", "pytest", *options, *chosen)
        usage = run_once(Command("plain", words, machine.tree, environ, tuple(range(6))))
        wall, cpu = wall + usage.wall, cpu + usage.cpu
        if target.exists():
            said = json.loads(target.read_text("utf-8"))
            outcomes |= portable(said["outcomes"], str(machine.tree))
    return Plain({t: o for t, o in outcomes.items() if o != "skipped" or "::" in t}, wall, cpu)


def _ours(machine: Machine) -> Ours:
    """One `affected run`, with the cache that the commits before left."""
    outcomes: dict[str, str] = {}
    ran: set[str] = set()
    blind: set[str] = set()
    files, wall, cpu = 0, 0.0, 0.0
    answer = machine.home / "answer.json"
    for session in machine.stretch.sessions:
        words = ("run", "--json", "-j", "1", *session)
        command = affected_command("affected", machine.tree, machine.home / "cache", *words)
        environ = {**dict.fromkeys(_inherited(machine)), **machine.environ(), **command.environ}
        program = ("sh", "-c", 'exec "$@" >"$ANSWER"', "sh", *command.words)
        environ["ANSWER"] = str(answer)
        usage = run_once(Command("affected", program, machine.tree, environ, (0, 1)))
        wall, cpu = wall + usage.wall, cpu + usage.cpu
        said = json.loads(answer.read_text("utf-8"))
        files += sum(one["state"] in ("ran", "failed") for one in said["targets"])
        blind.update(one["target"] for one in said["unvouched"])
        for result in said["results"]:
            (test,) = portable({result["id"]: ""}, str(machine.tree))
            outcomes[test] = result["outcome"]
            if result["state"] != "reused":
                ran.add(test)
    return Ours(outcomes, frozenset(ran), files, frozenset(blind), wall, cpu)


def _inherited(machine: Machine) -> list[str]:
    """Names of variables of this process that a CI's job would not have."""
    everything = environment_of(Command("", (), machine.tree, {}))
    return [name for name in everything if name not in machine.environ()]
