"""Which files may hold other bytes on disk than in git's objects although git calls them clean.

Unaware of submodules. Git converts on the way in and out: line ends (`text`, `eol`, the old `crlf`
attribute, core.autocrlf), programs (`filter`, as large-file storage uses it), encodings
(`working-tree-encoding`) and `ident`. The rules are those of git's gitattributes documentation.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from stat import S_ISREG
from typing import Final

from affected.git.output import feed, parse_attributes, parse_listing
from affected.git.process import Git
from affected.model.path import RepoPath, name

_FILE: Final = ".gitattributes"
_ALWAYS: Final = ("filter", "ident", "working-tree-encoding")
_ATTRIBUTES: Final = ("text", "eol", "crlf", *_ALWAYS)
_FEW: Final = 500  # paths that fit on a command line
_NOT_GIVEN: Final = "unspecified"
_OFF: Final = frozenset({_NOT_GIVEN, "unset"})


def mentioned(
    git: Git,
    common_dir: Path,
    configuration: Mapping[str, str],
    paths: Iterable[RepoPath],
) -> frozenset[str]:
    """The converting attributes that any attribute file could give to any of `paths`.

    Starts no process and looks at no other file's content: one look-up per distinct folder.
    Macros need no care, for they too name what they set.
    """
    files = _shared_files(git, common_dir, configuration)
    top = os.fspath(git.folder)
    seen: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder not in seen:
            seen.add(folder)
            file = f"{top}/{folder}/{_FILE}" if folder else f"{top}/{_FILE}"
            if os.path.lexists(file):
                files.append(Path(file))
            folder = folder.rpartition("/")[0]
        if path.endswith(_FILE) and name(path) == _FILE and not os.path.lexists(f"{top}/{path}"):
            return frozenset(_ATTRIBUTES)  # only git's index has it, and git reads it there
    found: set[str] = set()
    for source in files:
        try:
            text = source.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return frozenset(_ATTRIBUTES)
        found.update(attribute for attribute in _ATTRIBUTES if attribute.encode() in text)
    return frozenset(found)


def converted(
    git: Git, configuration: Mapping[str, str], attributes: Collection[str], paths: list[RepoPath]
) -> set[RepoPath]:
    """Those of `paths` whose bytes on disk may differ from the blob of a clean entry.

    `attributes` are the ones worth asking for. Programs, encodings and `ident` always count. For
    line ends alone git only ever removes bytes on the way in, so a file as long as its blob is
    equal to it: only lengths are compared.
    """
    auto = autocrlf(configuration)
    if not attributes:
        return _longer_than_blob(git, paths if auto else [])
    asked = sorted(attributes)
    answer = git.run("check-attr", "-z", "--stdin", *asked, stdin=feed(paths))
    verdicts: dict[tuple[str, ...], str] = {}  # few combinations, many paths
    by_verdict: dict[str, list[RepoPath]] = {"always": [], "line ends": [], "never": []}
    for path, values in parse_attributes(answer.stdout, len(asked)):
        verdict = verdicts.get(values)
        if verdict is None:
            given = dict(zip(asked, values, strict=True))
            verdict = verdicts[values] = _verdict(given, auto=auto)
        by_verdict[verdict].append(path)
    return {*by_verdict["always"], *_longer_than_blob(git, by_verdict["line ends"])}


def _verdict(given: Mapping[str, str], *, auto: bool) -> str:
    """Whether these attributes convert "always", only "line ends", or "never"."""
    if any(given.get(attribute, _NOT_GIVEN) not in _OFF for attribute in _ALWAYS):
        return "always"
    text = given.get("text", _NOT_GIVEN)
    if text == _NOT_GIVEN:
        text = given.get("crlf", _NOT_GIVEN)
    if text == "unset":
        return "never"
    if text != _NOT_GIVEN or given.get("eol", _NOT_GIVEN) not in _OFF or auto:
        return "line ends"
    return "never"


def autocrlf(configuration: Mapping[str, str]) -> bool:
    """True when core.autocrlf makes git convert line ends of files without attributes."""
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
    only = paths if len(paths) <= _FEW else []
    listing = parse_listing(
        git.run("--literal-pathspecs", "ls-files", "-s", "-v", "-z", "--", *only).stdout
    )
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
