"""Targets: the test files that plain `pytest` would collect in a workspace.

Unaware of what is in the test files, and of the disk.
"""

from __future__ import annotations

import fnmatch
import itertools
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from affected.lang.python.manifests import Read
from affected.lang.python.projects import discover_projects, owner
from affected.lang.python.pytest_settings import CollectionSettings, test_settings
from affected.model.path import RepoPath, ancestors, is_under, join, name, relative_to
from affected.model.target import Project, Target, TargetKind

__all__ = [
    "CollectionSettings", "conftest_chain", "discover_projects", "matches_python_files", "owner",
    "settings_of", "test_files", "test_settings",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Rules:
    """One settings' patterns, compiled."""

    settings: CollectionSettings
    tests: Callable[[str], bool]
    texts: Callable[[str], bool]
    skipped: Callable[[str], bool]
    ignored: frozenset[str]
    globs: Callable[[str], bool]
    starts: frozenset[RepoPath]
    exempt: frozenset[RepoPath]


def settings_of(
    path: RepoPath, settings: Mapping[RepoPath, CollectionSettings]
) -> CollectionSettings | None:
    """The settings that apply to a file: those of the nearest folder above; None for none."""
    for folder in ancestors(path):
        found = settings.get(folder)
        if found is not None:
            return found
    return None


def matches_python_files(path: RepoPath, settings: CollectionSettings) -> bool:
    """True when pytest collects `path` as a test module of its own accord, by its name.

    A target for which this is False is there for its doctests only; given to pytest as an
    argument it would be collected as a test module too.
    """
    return _any(settings.python_files)(path)


def test_files(
    paths: Collection[RepoPath],
    settings: Mapping[RepoPath, CollectionSettings],
    projects: Iterable[Project],
    read: Read | None = None,  # noqa: PT028  # no test in spite of its name
) -> list[Target]:
    """The test files that `pytest` without arguments, started in each settings' folder, collects.

    Sorted by path. With `read`, text files that match a doctest glob count only when they hold an
    example. `collect_ignore` of conftest files is not evaluated.
    """
    folders: dict[str, _Rules | None] = {}
    collected: dict[str, bool] = {}
    known = _Listing(paths)
    compiled = {folder: _compile(one, known) for folder, one in settings.items()}
    by_path = {project.path for project in projects}
    owners: dict[str, RepoPath] = {}
    found: list[Target] = []
    for path in paths:
        folder, _, last = path.rpartition("/")
        if folder not in folders:
            folders[folder] = _nearest(folder, compiled)
        rules = folders[folder]
        if rules is None or not _is_test(path, last, rules, read):
            continue
        if path not in rules.starts:
            if folder not in collected:
                collected[folder] = _reached(folder, rules, known)
            if not collected[folder] or path in rules.ignored or rules.globs(path):
                continue
        if folder not in owners:
            owners[folder] = _owner(folder, by_path)
        label = str(path)
        found.append(Target(label, TargetKind.TEST, owners[folder], path, rules.settings.folder))
    return sorted(found, key=lambda target: target.path)


test_files.__test__ = False  # type: ignore[attr-defined]


def conftest_chain(path: RepoPath, rootdir: RepoPath) -> tuple[RepoPath, ...]:
    """The `conftest.py` and `__init__.py` paths that pytest loads, or looks for, for a test file.

    From `rootdir` down to the file's folder, whether they exist or not; () outside `rootdir`.
    """
    if not is_under(path, rootdir):
        return ()
    chain: list[RepoPath] = []
    for folder in reversed(ancestors(path)):
        if is_under(folder, rootdir):
            chain += [join(folder, "conftest.py"), join(folder, "__init__.py")]
    return tuple(chain)


class _Listing:
    """The folders of a set of paths, and which of them are virtual environments."""

    __slots__ = ("folders", "paths", "venvs")

    def __init__(self, paths: Collection[RepoPath]) -> None:
        self.paths = paths if isinstance(paths, (set, frozenset, dict)) else set(paths)
        self.folders: set[str] = {""}
        self.venvs: set[str] = set()
        for path in paths:
            folder = path.rpartition("/")[0]
            if path.endswith(("pyvenv.cfg", "conda-meta/history")):
                self.venvs.add(folder.removesuffix("/conda-meta"))
            while folder not in self.folders:
                self.folders.add(folder)
                folder = folder.rpartition("/")[0]


def _owner(folder: str, projects: set[RepoPath]) -> RepoPath:
    while folder and folder not in projects:
        folder = folder.rpartition("/")[0]
    return RepoPath(folder)


def _nearest(folder: str, compiled: Mapping[RepoPath, _Rules]) -> _Rules | None:
    while True:
        found = compiled.get(RepoPath(folder))
        if found is not None or not folder:
            return found
        folder = folder.rpartition("/")[0]


def _is_test(path: RepoPath, last: str, rules: _Rules, read: Read | None) -> bool:
    """True when pytest makes something of a file that it comes to; a start it takes as it is."""
    if last.endswith(".py"):
        if path in rules.starts or rules.tests(path):
            return True
        if not rules.settings.doctest_modules or last == "__main__.py":
            return False
        if last == "setup.py" and read is not None:
            content = _content(path, read)
            return b"setuptools" not in content and b"distutils" not in content
        return last != "setup.py"
    if not rules.texts(path) and not (
        path in rules.starts and last.endswith((".txt", ".rst")) and rules.settings.doctest_globs
    ):
        return False
    return read is None or b">>>" in _content(path, read)


def _content(path: RepoPath, read: Read) -> bytes:
    try:
        return read(path)
    except OSError:
        return b""


def _reached(folder: str, rules: _Rules, known: _Listing) -> bool:
    """True when pytest comes into `folder` from one of the places where it starts."""
    for start in rules.starts:
        if not is_under(folder, start):
            continue
        inner = folder
        while inner != start:
            if RepoPath(inner) not in rules.exempt and _skipped(inner, rules, known):
                break
            inner = inner.rpartition("/")[0]
        else:
            return True
    return False


def _skipped(folder: str, rules: _Rules, known: _Listing) -> bool:
    if name(folder) == "__pycache__" or folder in rules.ignored:
        return True
    if folder in known.venvs and not rules.settings.in_virtualenv:
        return True
    return rules.globs(folder) or rules.skipped(folder)


def _compile(settings: CollectionSettings, known: _Listing) -> _Rules:
    starts: dict[RepoPath, None] = {}
    if settings.folder == settings.rootdir:
        for pattern in settings.testpaths:
            starts.update(dict.fromkeys(_expanded(settings.folder, pattern, known)))
    outermost = (one for one in starts if starts.keys().isdisjoint(ancestors(one)))
    places = frozenset(outermost) or frozenset((settings.folder,))
    return _Rules(
        settings=settings,
        tests=_any(settings.python_files),
        texts=_any(settings.doctest_globs),
        skipped=_any(settings.norecursedirs),
        ignored=frozenset(settings.ignored),
        globs=_whole(settings.ignored_globs),
        starts=places,
        exempt=frozenset(above for start in places for above in (start, *ancestors(start))),
    )


def _any(patterns: Iterable[str]) -> Callable[[str], bool]:
    """A test whether a path matches one of pytest's patterns: by name, or from the end of it."""
    names = [fnmatch.translate(one) for one in patterns if "/" not in one]
    whole = [fnmatch.translate("*/" + one.lstrip("/")) for one in patterns if "/" in one]
    by_name = re.compile("|".join(names)).match if names else None
    by_path = re.compile("|".join(whole)).match if whole else None

    def matches(path: str) -> bool:
        if by_name is not None and by_name(path.rpartition("/")[2]):
            return True
        return by_path is not None and by_path("/" + path) is not None

    return matches


def _whole(patterns: Iterable[str]) -> Callable[[str], bool]:
    joined = "|".join(fnmatch.translate(one) for one in patterns)
    if not joined:
        return lambda path: False  # noqa: ARG005
    match = re.compile(joined).match
    return lambda path: match(path) is not None


def _expanded(folder: RepoPath, pattern: str, known: _Listing) -> list[RepoPath]:
    """What a glob of `testpaths` stands for: existing files and folders, sorted."""
    parts: list[str] = folder.split("/") if folder else []
    for part in pattern.split("/"):
        if part == "..":
            if not parts or "/".join(parts) not in known.folders:
                return []
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    whole = "/".join(parts)
    if not _magic(whole):
        return [RepoPath(whole)] if whole in known.folders or whole in known.paths else []
    fixed = list(itertools.takewhile(lambda part: not _magic(part), parts))
    start = "/".join(fixed)
    places = known.folders if pattern.endswith("/") else {*known.folders, *known.paths}
    return sorted(
        RepoPath(path)
        for path in places
        if is_under(path, start)
        and path != folder
        and _globbed(relative_to(path, start).split("/"), parts[len(fixed) :])
    )


def _magic(text: str) -> bool:
    return any(sign in text for sign in "*?[")


def _globbed(names: list[str], parts: list[str]) -> bool:
    """True when `glob.glob(recursive=True)` finds the path `names` for the pattern `parts`."""
    if not parts:
        return not names
    if parts[0] == "**":
        if _globbed(names, parts[1:]):
            return True
        return bool(names) and not names[0].startswith(".") and _globbed(names[1:], parts)
    if not names or (names[0].startswith(".") and not parts[0].startswith(".")):
        return False
    return fnmatch.fnmatchcase(names[0], parts[0]) and _globbed(names[1:], parts[1:])
