"""pytest's configuration for every part of a workspace, found and read as pytest does.

Unaware of which files are tests and of the disk: it reads through the `read` it is given.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from affected.lang.python.manifests import Read, parse_ini, parse_toml, table
from affected.lang.python.projects import PYTHON_MANIFESTS
from affected.model.path import ROOT, RepoPath, ancestors, join, name, parent
from affected.model.target import Project, TestSettings

CONFIGS: Final = (
    "pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini",
    "setup.cfg",
)  # fmt: skip
"""Names of configuration files, the one that pytest prefers first (pytest 9)."""

PYTHON_FILES: Final = ("test_*.py", "*_test.py")
NORECURSEDIRS: Final = (
    "*.egg", ".*", "_darcs", "build", "CVS", "dist", "node_modules", "venv", "{arch}",
)  # fmt: skip
DOCTEST_GLOBS: Final = ("test*.txt",)

_ALWAYS: Final = frozenset(CONFIGS[:4])


@dataclass(frozen=True, slots=True)
class CollectionSettings(TestSettings):
    """TestSettings with what else decides which files plain `pytest` collects.

    `ignored` are repo paths; `ignored_globs` are globs over whole repo paths; `doctest_globs` is
    empty when doctest is switched off.
    """

    norecursedirs: tuple[str, ...]
    ignored: tuple[RepoPath, ...]
    ignored_globs: tuple[str, ...]
    doctest_modules: bool
    doctest_globs: tuple[str, ...]
    in_virtualenv: bool


def test_settings(
    paths: Collection[RepoPath], read: Read, projects: Iterable[Project]
) -> tuple[dict[RepoPath, CollectionSettings], tuple[str, ...]]:
    """The settings by the folder pytest is started in, and notices about unreadable files.

    A test file's settings are those of the nearest of these folders above it. A folder is one if
    it holds pytest configuration; below no such folder, if it is a project with a Python manifest,
    or the root.
    """
    by_folder: dict[RepoPath, set[str]] = {}
    for path in paths:
        last = name(path)
        if last in CONFIGS or last == "setup.py":
            by_folder.setdefault(parent(path), set()).add(last)
    notices: list[str] = []
    found: dict[RepoPath, CollectionSettings] = {}
    for folder in sorted(by_folder):
        for last in CONFIGS:
            if last in by_folder[folder]:
                config = join(folder, last)
                options, notice = _options(config, read)
                if notice:
                    notices.append(notice)
                if options is not None:
                    found[folder] = _settings(folder, folder, config, options)
                    break
    configured = frozenset(found)
    python = {
        one.path for one in projects if PYTHON_MANIFESTS.intersection(map(name, one.manifests))
    }
    for folder in sorted({ROOT, *python} - configured):
        if configured.isdisjoint(ancestors(folder)):
            rootdir, fallback = _unconfigured(folder, by_folder)
            found[folder] = _settings(folder, rootdir, fallback, {})
    return found, tuple(dict.fromkeys(notices))


test_settings.__test__ = False  # type: ignore[attr-defined]


def _unconfigured(
    folder: RepoPath, by_folder: Mapping[RepoPath, set[str]]
) -> tuple[RepoPath, RepoPath | None]:
    """The rootdir and the configuration file that pytest takes when no file configures it."""
    chain = [folder, *ancestors(folder)]
    for above in chain:
        if "pyproject.toml" in by_folder.get(above, ()):
            return above, join(above, "pyproject.toml")
    for above in chain:
        if "setup.py" in by_folder.get(above, ()):
            return above, None
    return folder, None


def _options(config: RepoPath, read: Read) -> tuple[dict[str, Any] | None, str]:
    """The options a file gives pytest (None: it is no configuration of pytest), and a notice."""
    last = name(config)
    if last.endswith(".toml"):
        content, notice = parse_toml(config, read)
        if last != "pyproject.toml":
            return table(content, "pytest"), notice
        tables = table(content, "tool", "pytest")
        native = {key: value for key, value in tables.items() if key != "ini_options"}
        if native:
            return native, notice
        stated = tables.get("ini_options")
        return (stated if isinstance(stated, dict) else None), notice
    sections, notice = parse_ini(config, read)
    section = sections.get("tool:pytest" if last == "setup.cfg" else "pytest")
    if section is None and last in _ALWAYS:
        return {}, notice
    return section, notice


def _words(value: object) -> tuple[str, ...]:
    """An option of pytest's type `args` or `paths`."""
    if isinstance(value, str):
        try:
            return tuple(shlex.split(value))
        except ValueError:
            return tuple(value.split())
    return tuple(str(one) for one in value) if isinstance(value, list) else ()


def _settings(
    folder: RepoPath, rootdir: RepoPath, config: RepoPath | None, options: dict[str, Any]
) -> CollectionSettings:
    addopts = _words(options.get("addopts"))
    given: dict[str, list[str]] = {}
    for option, value in _given(addopts):
        given.setdefault(option, []).append(value)
    for override in given.get("-o", []):
        key, _, value = override.partition("=")
        options = {**options, key: value}
    plugins = [one for one in given.get("-p", []) if not one.startswith("no:")]
    doctest = "no:doctest" not in given.get("-p", [])
    globs = tuple(given.get("--doctest-glob", ())) or DOCTEST_GLOBS
    return CollectionSettings(
        folder=folder,
        rootdir=rootdir,
        config=config,
        testpaths=_words(options.get("testpaths")),
        python_files=_words(options["python_files"]) if "python_files" in options else PYTHON_FILES,
        pythonpath=_paths(folder, _words(options.get("pythonpath"))),
        addopts=addopts,
        plugins=tuple(dict.fromkeys(plugins)),
        norecursedirs=(
            _words(options["norecursedirs"]) if "norecursedirs" in options else NORECURSEDIRS
        ),
        ignored=_paths(folder, given.get("--ignore", [])),
        ignored_globs=_paths(folder, given.get("--ignore-glob", [])),
        doctest_modules=doctest and "--doctest-modules" in given,
        doctest_globs=globs if doctest else (),
        in_virtualenv="--collect-in-virtualenv" in given,
    )


def _paths(folder: RepoPath, relative: Collection[str]) -> tuple[RepoPath, ...]:
    """Paths below the folder of the configuration; those that leave the workspace left out."""
    found = []
    for one in relative:
        path = posixpath.normpath(posixpath.join(folder, one))
        if not path.startswith(("/", "../")) and path != "..":
            found.append(RepoPath("" if path == "." else path))
    return tuple(found)


_VALUED: Final = ("--ignore", "--ignore-glob", "--doctest-glob", "--override-ini")
_FLAGS: Final = ("--doctest-modules", "--collect-in-virtualenv")


def _given(words: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The options among `words` that this module knows, with their values."""
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        if option in _VALUED:
            known = "-o" if option == "--override-ini" else option
            yield known, value if equals else next(rest, "")
        elif word in _FLAGS:
            yield word, ""
        elif word[:2] in ("-p", "-o") and not word.startswith("--"):
            yield word[:2], word[2:].strip() or next(rest, "")
