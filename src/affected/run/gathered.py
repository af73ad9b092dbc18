"""What one scope of the tracer did, gathered event by event. Unaware of which scope it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from affected.model.access import ModuleTrace, Part
from affected.model.observation import BlindSpot, Blocks
from affected.model.path import RepoPath, parent


@dataclass(slots=True)
class Gathered:
    """What is known of one scope so far."""

    loaded: set[RepoPath] = field(default_factory=set)
    dynamic: set[RepoPath] = field(default_factory=set)  # by name at run time; "PATH:NAME": only it
    reads: set[RepoPath] = field(default_factory=set)
    listings: set[RepoPath] = field(default_factory=set)
    probes: set[RepoPath] = field(default_factory=set)
    written: set[RepoPath] = field(default_factory=set)
    externals: set[str] = field(default_factory=set)
    all_installed: bool = False
    blind_spots: dict[BlindSpot, None] = field(default_factory=dict)
    touched: set[RepoPath] = field(default_factory=set)  # looked at, then written
    blocks: dict[RepoPath, set[int]] = field(default_factory=dict)  # entered, by first line

    def add(self, kind: str, name: str) -> None:
        """One access; the letters are the spool's."""
        path = RepoPath(name)
        if kind == "w":
            looked_at = path in self.reads or path in self.probes or path in self.listings
            if looked_at or parent(path) in self.listings:
                self.touched.add(path)
            self.written.add(path)
        elif kind == "m":
            self.loaded.add(path)
            self.dynamic.add(path)
        elif kind == "n":
            file, _, names = name.rpartition(":")
            self.loaded.add(RepoPath(file))
            self.dynamic |= {RepoPath(f"{file}:{one}") for one in names.split(",") if one}
        elif kind == "x":
            self.externals.add(name)
        elif kind == "i":
            self.all_installed = True
        elif path not in self.written:
            target = {"r": self.reads, "l": self.listings, "p": self.probes}.get(kind)
            if target is not None:
                target.add(path)

    def add_all(self, seen: Iterable[tuple[str, str]]) -> None:
        """Accesses in the order in which they happened."""
        for kind, name in seen:
            self.add(kind, name)

    def join(self, other: Gathered) -> None:
        """What `other` saw counts here too."""
        for kind, names in (("w", other.written), ("x", other.externals)):
            for name in names:
                self.add(kind, name)
        self.loaded |= other.loaded
        for kind, paths in (("r", other.reads), ("l", other.listings), ("p", other.probes)):
            for path in paths:
                self.add(kind, path)
        self.dynamic |= other.dynamic
        self.all_installed |= other.all_installed
        self.blind_spots.update(other.blind_spots)

    def judge(self, net: Mapping[str, str]) -> None:
        """Blind spots for what was looked at and then changed; `net`: path → what writing did."""
        for path in sorted(self.touched):
            what = net.get(path, "changed")
            if what == "same" or (what == "changed" and path not in self.reads):
                continue
            self.blind_spots[BlindSpot("modified-input", path)] = None
        self.written = {path for path in self.written if net.get(path) != "same"}

    def forget_own_work(self) -> None:
        """What pytest's plugins keep for themselves (reports, caches) is nobody's input."""
        for paths in (self.reads, self.probes, self.listings):
            paths.difference_update(self.touched)

    def module(self, file: RepoPath) -> ModuleTrace:
        """As what happened while `file` was imported."""
        return ModuleTrace(
            file,
            frozenset(self.loaded),
            frozenset(self.reads),
            frozenset(self.listings),
            frozenset(self.probes),
            frozenset(self.externals),
            self.all_installed,
            tuple(self.blind_spots),
            self._blocks(),
            frozenset(self.dynamic),
        )

    def part(self, within: Gathered) -> Part:
        """What counts of it in a file that did all of `within`."""
        return Part(
            reads=frozenset(self.reads & within.reads),
            listings=frozenset(self.listings & within.listings),
            probes=frozenset(self.probes & within.probes),
            blind_spots=tuple(self.blind_spots),
            blocks=self._blocks(),
        )

    def enter(self, functions: Iterable[tuple[RepoPath, int]]) -> None:
        """Functions ran."""
        for path, line in functions:
            self.blocks.setdefault(path, set()).add(line)

    def _blocks(self) -> Blocks:
        return {path: frozenset(lines) for path, lines in self.blocks.items()}
