"""Which files may hold other bytes on disk than in git's objects although git calls them clean.

Unaware of submodules. Git converts on the way in and out: line ends (`text`, `eol`, the old `crlf`
attribute, core.autocrlf), programs (`filter`, as large-file storage uses it), encodings
(`working-tree-encoding`) and `ident`. The rules are those of git's gitattributes documentation.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from stat import S_ISREG
from typing import Final

from affected.git.output import feed, parse_attributes, parse_listing
from affected.git.process import Git
from affected.model.path import RepoPath, parent

_FILE: Final = ".gitattributes"
_ATTRIBUTES: Final = ("text", "eol", "crlf", "filter", "ident", "working-tree-encoding")
_OFF: Final = frozenset({"", "unset"})


def in_force(
    git: Git,
    common_dir: Path,
    configuration: Mapping[str, str],
    paths: Iterable[RepoPath],
) -> bool:
    """True when some attribute file or core.autocrlf could make any conversion happen.

    Looks at no file's content: one look-up per distinct folder of `paths`.
    """
    if _autocrlf(configuration):
        return True
    for file in _shared_files(git, common_dir, configuration):
        if file.exists():
            return True
    seen: set[str] = set()
    for path in paths:
        folder = parent(path)
        if path.endswith(_FILE) and path[len(folder) :].lstrip("/") == _FILE:
            return True
        while folder not in seen:
            seen.add(folder)
            folder = parent(folder)
    top = os.fspath(git.folder)
    lexists = os.path.lexists
    return any(
        lexists(f"{top}/{folder}/{_FILE}" if folder else f"{top}/{_FILE}") for folder in seen
    )


def converted(
    git: Git, configuration: Mapping[str, str], paths: Iterable[RepoPath]
) -> set[RepoPath]:
    """Those of `paths` whose bytes on disk may differ from the blob of a clean entry.

    Programs, encodings and `ident` always count. For line ends alone git only ever removes
    bytes on the way in, so a file as long as its blob is equal to it: only lengths are asked.
    """
    asked = list(paths)
    answer = git.run("check-attr", "-z", "--stdin", *_ATTRIBUTES, stdin=feed(asked))
    found = parse_attributes(answer.stdout)
    auto = _autocrlf(configuration)
    always: set[RepoPath] = set()
    line_ends: list[RepoPath] = []
    for path in asked:
        attributes = found.get(path)
        if attributes is None:
            if auto:
                line_ends.append(path)
        elif any(attributes.get(name, "") not in _OFF for name in _ATTRIBUTES[3:]):
            always.add(path)
        elif _line_ends(attributes, auto=auto):
            line_ends.append(path)
    return always | _longer_than_blob(git, line_ends)


def _line_ends(attributes: Mapping[str, str], *, auto: bool) -> bool:
    text = attributes.get("text", attributes.get("crlf", ""))
    if text == "unset":
        return False
    return bool(text) or attributes.get("eol", "") not in _OFF or auto


def _autocrlf(configuration: Mapping[str, str]) -> bool:
    return configuration.get("core.autocrlf", "false").lower() not in (
        "false",
        "no",
        "off",
        "0",
        "",
    )


def _longer_than_blob(git: Git, paths: list[RepoPath]) -> set[RepoPath]:
    if not paths:
        return set()
    listing = parse_listing(git.run("ls-files", "-s", "-v", "-z").stdout)
    oids = {path: oid for _, _, oid, path in listing}
    top = os.fspath(git.folder)
    present: list[tuple[RepoPath, int]] = []
    for path in paths:
        try:
            found = os.lstat(f"{top}/{path}")
        except OSError:
            continue
        if path in oids and S_ISREG(found.st_mode):
            present.append((path, found.st_size))
    request = "".join(f"{oids[path]}\n" for path, _ in present).encode()
    answer = git.run("cat-file", "--batch-check=%(objectsize)", stdin=request, lazy=False)
    sizes = answer.stdout.decode("ascii").splitlines()
    return {
        path
        for (path, size), blob_size in zip(present, sizes, strict=True)
        if blob_size != str(size)
    }


def _shared_files(git: Git, common_dir: Path, configuration: Mapping[str, str]) -> list[Path]:
    environ = git.environ
    home = environ.get("HOME", "")
    files = [common_dir / "info" / "attributes"]
    chosen = configuration.get("core.attributesfile", "")
    if chosen:
        files.append(Path(home + chosen[1:]) if chosen.startswith("~/") else git.folder / chosen)
    elif environ.get("XDG_CONFIG_HOME"):
        files.append(Path(environ["XDG_CONFIG_HOME"]) / "git" / "attributes")
    elif home:
        files.append(Path(home) / ".config" / "git" / "attributes")
    if not environ.get("GIT_ATTR_NOSYSTEM"):
        files.append(Path("/etc/gitattributes"))
        files.extend(
            Path(folder).parent / "etc" / "gitattributes"
            for folder in environ.get("PATH", "").split(os.pathsep)
            if folder and Path(folder, "git").exists()
        )
    return files
