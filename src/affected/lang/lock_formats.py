"""Lock files of several languages, read into one form: packages, what is locked, what they need.

Unaware of projects. Sources: the formats of uv.lock, poetry.lock, PEP 751 (pylock.toml), pip's
requirements files, package-lock.json 2 and 3, pnpm-lock.yaml 6 to 9, yarn.lock 1 and later, and
Cargo.lock. A lock that cannot be read is one package of its bytes: every change of it counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from affected.lang.manifest_files import ManifestFiles, normalised
from affected.lang.python.manifests import table
from affected.model.path import ROOT, RepoPath, join, name, parent, relative_to

WHOLE: Final = "*"  # the package that stands for a lock without a graph: everyone needs it


@dataclass(frozen=True, slots=True)
class Lock:
    """What a lock file says. `npm`: packages go by the folder that they are installed in."""

    packages: Mapping[str, str] = field(default_factory=dict)  # name → all that is locked of it
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    places: str | None = None  # folder of a lock by installed folders; None: by plain names
    python: bool = False

    def closure(self, project: RepoPath, wanted: Collection[str]) -> list[str]:
        """A row for each package that a project may use, itself and its needs."""
        pending = [(self._start(project), one) for one in wanted]
        if WHOLE in self.packages:
            pending.append(("", WHOLE))
        seen: set[str] = set()
        while pending:
            place, one = pending.pop()
            key = self._find(place, one)
            if key is None or key in seen:
                continue
            seen.add(key)
            pending += [(key, needed) for needed in self.needs.get(key, ())]
        return [f"{key} {self.packages[key]}" for key in seen if self.packages.get(key)]

    def _start(self, project: RepoPath) -> str:
        if self.places is None:
            return project
        return relative_to(project, self.places) if project != self.places else ""

    def _find(self, place: str, wanted: str) -> str | None:
        """The package that `wanted` means, seen from `place`."""
        if self.places is None:
            return wanted if wanted in self.packages else None
        while True:
            key = join(place, f"node_modules/{wanted}")
            if key in self.packages:
                return key
            if not place:
                return None
            place = parent(place)


def read_lock(path: RepoPath, files: ManifestFiles) -> Lock:
    """The lock at `path`."""
    last = name(path)
    try:
        if last in {"package-lock.json", "npm-shrinkwrap.json"}:
            return _package_lock(path, files.json(path))
        if last == "pnpm-lock.yaml":
            return _pnpm(files.text(path))
        if last == "yarn.lock":
            return _yarn(files.text(path))
        if last == "requirements.txt":
            return _requirements(files.text(path))
        return _toml(last, files.toml(path))
    except (ValueError, TypeError, AttributeError, KeyError):
        return Lock({WHOLE: files.text(path)})


def _toml(last: str, content: dict[str, Any]) -> Lock:
    if not content:
        raise ValueError("not a lock")
    packages: dict[str, list[str]] = {}
    needs: dict[str, list[str]] = {}
    rows = content.get("packages" if last == "pylock.toml" else "package", [])
    python = last != "Cargo.lock"
    graph = False
    for row in rows:
        title = normalised(row["name"]) if python else row["name"]
        packages.setdefault(title, []).append(_facts(row))
        needed = _needed(row, python=python)
        graph = graph or bool(needed) or "dependencies" in row
        needs.setdefault(title, []).extend(needed)
    locked = {title: "\n".join(sorted(facts)) for title, facts in packages.items()}
    if last == "pylock.toml" and not graph:
        locked = {**locked, WHOLE: "\n".join(f"{t} {f}" for t, f in sorted(locked.items()))}
    return Lock(locked, {title: tuple(found) for title, found in needs.items()}, python=python)


def _facts(row: dict[str, Any]) -> str:
    """Version, source and hashes of a package, whatever the format calls them."""
    kept = {key: value for key, value in row.items() if key not in {"dependencies", "metadata"}}
    return json.dumps(kept, sort_keys=True, default=str)


def _needed(row: dict[str, Any], *, python: bool) -> list[str]:
    holders = [row.get("dependencies")]
    for key in ("optional-dependencies", "dev-dependencies"):
        holders += table(row, key).values()
    names: list[str] = []
    for holder in holders:
        if isinstance(holder, dict):
            names += holder
        elif isinstance(holder, list):
            names += [one["name"] if isinstance(one, dict) else one.split(" ")[0] for one in holder]
    return [normalised(one) for one in names] if python else names


def _requirements(text: str) -> Lock:
    """Without a graph, everything in it belongs to whoever uses it."""
    joined = re.sub(r"\\\n", " ", text)
    lines = [re.sub(r"(^|\s)#.*", "", line).split() for line in joined.splitlines()]
    kept = [" ".join(words) for words in lines if words]
    return Lock({WHOLE: "\n".join(sorted(kept))} if kept else {}, python=True)


def _package_lock(path: RepoPath, content: dict[str, Any]) -> Lock:
    entries = table(content, "packages")
    if not entries:
        raise ValueError("not a lock of version 2 or 3")
    packages: dict[str, str] = {}
    needs: dict[str, tuple[str, ...]] = {}
    for place, entry in entries.items():
        target = entry
        if entry.get("link"):
            target = table(entries, entry.get("resolved", ""))
            packages[place] = ""
        elif place.startswith("node_modules/") or "/node_modules/" in place:
            version = f"{entry.get('version')} {entry.get('resolved')} {entry.get('integrity')}"
            packages[place] = version
        wanted = [table(target, key) for key in ("dependencies", "optionalDependencies")]
        wanted.append(table(target, "peerDependencies"))
        needs[place] = tuple(one for names in wanted for one in names)
    return Lock(packages, needs, places=parent(path) or ROOT)


def _pnpm(text: str) -> Lock:
    tree = _indented(text)
    packages: dict[str, str] = {}
    needs: dict[str, tuple[str, ...]] = {}
    rows = {**table(tree, "packages")}
    for key, entry in table(tree, "snapshots").items():
        rows[key] = {**table(rows, key), **(entry if isinstance(entry, dict) else {})}
    if not rows and "importers" not in tree:
        raise ValueError("not a lock")
    named: dict[str, list[str]] = {}
    for key, entry in rows.items():
        bare = key.removeprefix("/")
        at = bare.find("@", 1)
        title = bare[:at] if at > 0 else bare.rpartition("/")[0] or bare
        named.setdefault(title, []).append(f"{bare} {json.dumps(entry, sort_keys=True)}")
        found: list[str] = []
        for kind in ("dependencies", "optionalDependencies"):
            found += table(entry, kind) if isinstance(entry, dict) else ()
        needs[title] = (*needs.get(title, ()), *found)
    packages = {title: "\n".join(sorted(facts)) for title, facts in named.items()}
    return Lock(packages, needs)


def _yarn(text: str) -> Lock:
    packages: dict[str, list[str]] = {}
    needs: dict[str, tuple[str, ...]] = {}
    for block in re.split(r"\n(?=\S)", text):
        head, _, body = block.partition("\n")
        if not body or head.startswith(("#", "__metadata")):
            continue
        titles = {one.strip().strip('"') for one in head.rstrip(":").split(",")}
        names = {title[: title.find("@", 1)] for title in titles if title.find("@", 1) > 0}
        below = body.partition("ependencies:\n")[2]
        found = re.findall(r'^ {4}"?([^\s":]+)"?:?\s', below, re.MULTILINE)
        for one in names:
            packages.setdefault(one, []).append(body)
            needs[one] = (*needs.get(one, ()), *found)
    if not packages:
        raise ValueError("not a lock")
    return Lock({one: "\n".join(sorted(facts)) for one, facts in packages.items()}, needs)


def _indented(text: str) -> dict[str, Any]:
    """The maps of a file that is written by indentation alone, as pnpm writes its own."""
    tree: dict[str, Any] = {}
    stack: list[tuple[int, dict[str, Any]]] = [(-1, tree)]
    for line in text.splitlines():
        bare = line.strip()
        if not bare or bare.startswith(("#", "-")):
            continue
        depth = len(line) - len(line.lstrip())
        while stack[-1][0] >= depth:
            stack.pop()
        key, _, value = _pair(bare)
        if value:
            stack[-1][1][key] = value
        else:
            inner: dict[str, Any] = {}
            stack[-1][1][key] = inner
            stack.append((depth, inner))
    return tree


def _pair(bare: str) -> tuple[str, str, str]:
    if bare[0] in "'\"":
        end = bare.find(bare[0], 1)
        return bare[1:end], ":", bare[end + 1 :].lstrip(":").strip()
    key, colon, value = bare.partition(": ")
    return key.removesuffix(":"), colon, value.strip()
