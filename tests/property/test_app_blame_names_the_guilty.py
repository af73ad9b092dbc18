"""Blame by functions never drops the guilty commit: random programs, random histories, real git."""

from __future__ import annotations

import builtins
import subprocess
import sys
import types
from collections.abc import Mapping, Sequence
from pathlib import Path

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from affected.app.blame_uses import Range, Uses
from affected.app.suspicion import Suspicion
from affected.git.commit_log import commits_between
from affected.git.repository import Repository
from affected.lang.python.modules import ModuleRoots
from affected.lang.python.outline import outline
from affected.model.path import RepoPath
from affected.selection.reach import plain_key

MODULES, FUNCTIONS = 3, 3
COUNT = MODULES * FUNCTIONS
TEST = RepoPath("test_it.py")
Program = dict[str, str]


def name_of(number: int) -> str:
    """How a function is called from any module."""
    return f"m{number // FUNCTIONS}.f{number}"


@st.composite
def bodies(draw: st.DrawFn, number: int) -> str:
    """A body that may call functions after it, maybe in one branch alone, maybe by another name."""
    constant = draw(st.integers(0, 3))
    later = st.integers(number + 1, COUNT - 1) if number + 1 < COUNT else None
    if later is None or draw(st.booleans()):
        return f"return x + {constant}"
    called = name_of(draw(later))
    return draw(
        st.sampled_from(
            (
                f"return {called}(x) if x > {constant} else {constant}",
                f"g = {called}\n    return g(x + {constant})",
                f"return TABLE[{constant}](x) if x > {constant} else x",
                f"return x + {constant} + {called}(x)",
            )
        )
    )


def sources(made: Sequence[str], tables: Sequence[int]) -> Program:
    """The files of a program with these bodies and these functions in the modules' tables."""
    found: Program = {}
    for module in range(MODULES):
        lines = [f"import m{other}\n" for other in range(MODULES) if other > module]
        own = range(module * FUNCTIONS, (module + 1) * FUNCTIONS)
        for number in own:
            body = made[number].replace(f"m{module}.", "")
            lines.append(f"\n\ndef f{number}(x):\n    {body}\n")
        table = tables[module]
        held = [f"f{number}" for number in own][table:] or ["abs"]
        lines.append(f"\n\nTABLE = [{', '.join((held * 4)[:4])}]\n")
        found[f"m{module}.py"] = "".join(lines)
    found[TEST] = "import m0\n\n\ndef test_it():\n    return m0.f0(2)\n"
    return found


def result(program: Program, entered: dict[RepoPath, set[int]] | None = None) -> object:
    """What the test comes to; the functions it enters, by first line, go into `entered`."""
    modules: dict[str, types.ModuleType] = {}

    def loaded(name: str, *_rest: object) -> types.ModuleType:
        if name not in modules:
            modules[name] = types.ModuleType(name)
            made = {**vars(builtins), "__import__": loaded}
            modules[name].__dict__["__builtins__"] = made
            exec(compile(program[f"{name}.py"], f"{name}.py", "exec"), modules[name].__dict__)  # noqa: S102
        return modules[name]

    def noted(frame: types.FrameType, event: str, _argument: object) -> None:
        if event == "call" and entered is not None and frame.f_code.co_filename in program:
            path = RepoPath(frame.f_code.co_filename)
            entered.setdefault(path, set()).add(frame.f_code.co_firstlineno)

    test = loaded("test_it").test_it
    before = sys.getprofile()
    sys.setprofile(noted)
    try:
        return test()
    except (RecursionError, TypeError) as error:
        return type(error).__name__
    finally:
        sys.setprofile(before)


def commit_all(folder: Path, states: Sequence[Program]) -> list[str]:
    """A repository with these states one after the other; the ids of the commits."""
    stream: list[str] = []
    for number, state in enumerate(states):
        stream.append("commit refs/heads/main\n" + f"mark :{number + 1}\n")
        stream.append(f"committer a <a@example.invalid> {1700000000 + number} +0000\n")
        stream.append("data 1\nc\n" + (f"from :{number}\n" if number else ""))
        for path, text in state.items():
            stream.append(f"M 644 inline {path}\ndata {len(text)}\n{text}\n")
    folder.mkdir()
    git = ("git", "-C", str(folder), "-c", "core.fsync=none")
    subprocess.run((*git, "init", "-q", "-b", "main"), check=True)
    words = (*git, "fast-import", "--quiet")
    subprocess.run(words, input="".join(stream).encode(), check=True)
    listed = subprocess.run(
        (*git, "rev-list", "--reverse", "main"), check=True, capture_output=True, text=True
    )
    return listed.stdout.split()


class Nothing:
    """No outline is stored anywhere."""

    def load(self, digests: object) -> None:
        """Finds none."""

    def of(self, _digest: str) -> None:
        """None is known."""


def suspects(
    folder: Path, ids: Sequence[str], entered: Mapping[RepoPath, set[int]], *, mixed: bool
) -> set[str]:
    """What blame suspects of a history, given what the test entered at its beginning."""
    repository = Repository.discover(folder)
    assert repository is not None
    before, after = repository.tree_listing(ids[0]), repository.tree_listing(ids[-1])
    assert before is not None
    assert after is not None
    commits = commits_between(repository.git, ids[0], ids[-1])
    between = Range(repository, ids[0], ids[-1], commits, before, after)
    keys: dict[RepoPath, frozenset[str] | None] = {}
    for path in before:
        made = outline(repository.show(ids[0], path) or b"")
        assert made is not None
        lines = entered.get(path, set())
        keys[path] = frozenset(plain_key(b.key) for b in made.blocks if b.first in lines)
    everything, nothing = frozenset(before), frozenset[RepoPath]()
    uses = Uses(
        TEST, RepoPath(""), f"{TEST}::test_it", everything, nothing, nothing, everything,
        frozenset(), frozenset(), installed=False, entered=keys,
        mixed=mixed, exact=True,
    )  # fmt: skip
    roots = ModuleRoots({}, {}, {}, frozenset())
    judge = Suspicion(between, uses, roots, Nothing(), lambda _path: False)
    return {commit.id for commit in commits if judge.suspect(commit) is not None}


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_the_guilty_commit_is_among_the_suspects(
    tmp_path_factory: object, data: st.DataObject
) -> None:
    """The one from which on the test comes to something else, whatever was edited before."""
    made = [data.draw(bodies(number)) for number in range(COUNT)]
    tables = [data.draw(st.integers(0, FUNCTIONS)) for _ in range(MODULES)]
    states = [sources(made, tables)]
    for _ in range(data.draw(st.integers(2, 10))):
        if data.draw(st.integers(0, 4)):
            number = data.draw(st.integers(0, COUNT - 1))
            made[number] = data.draw(bodies(number))
        else:
            tables[data.draw(st.integers(0, MODULES - 1))] = data.draw(st.integers(0, FUNCTIONS))
        states.append(sources(made, tables))
    entered: dict[RepoPath, set[int]] = {}
    good = result(states[0], entered)
    passes = [result(state) == good for state in states]
    assume(not passes[-1])
    guilty = max(number for number, fine in enumerate(passes) if fine) + 1
    folder = tmp_path_factory.mktemp("history") / "repo"  # type: ignore[attr-defined]
    ids = commit_all(folder, states)
    assert len(ids) == len(states)
    for mixed in (False, True):
        assert ids[guilty] in suspects(folder, ids, entered, mixed=mixed)
