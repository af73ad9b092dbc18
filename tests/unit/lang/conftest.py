"""Workspaces made of a mapping from paths to contents, seen through the whole room."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from affected.lang.python.projects import discover_projects
from affected.lang.python.resolve import Resolver
from affected.lang.python.roots import find_roots
from affected.lang.python.scan import scan_packed
from affected.lang.python.targets import test_files as collect
from affected.lang.python.targets import test_settings as read_settings


@dataclass
class Made:
    """A workspace in memory: what each step of the room makes of it."""

    files: dict[str, bytes]
    extra: tuple[str, ...] = ()
    notices: tuple[str, ...] = field(init=False)

    def __post_init__(self):
        self.paths = sorted(self.files)
        self.folders = {p[:i] for p in self.paths for i, sign in enumerate(p) if sign == "/"}
        self.projects, notices = discover_projects(self.paths, self.read)
        self.settings, more = read_settings(self.paths, self.read, self.projects)
        self.notices = (*notices, *more)
        self.targets = collect(self.paths, self.settings, self.projects, self.read)
        self.tests = [target.path for target in self.targets]
        self.roots = find_roots(
            self.paths,
            self.projects,
            self.settings,
            tests=self.tests,
            read=self.read,
            extra=self.extra,
        )
        self.resolver = Resolver(self.roots, self.files.__contains__, self.folders.__contains__)

    def read(self, path):
        return self.files[path]

    def resolve(self, path, **options):
        return self.resolver.resolve_packed(path, scan_packed(self.files[path]), **options)

    def edges(self, path):
        """Where the file's edges lead, by kind's name in lower case."""
        return {needed: kind.name.lower() for needed, kind in self.resolve(path).edges}

    def needs(self, path):
        return set(self.edges(path))


@pytest.fixture
def made():
    """Makes a workspace; contents may be text."""

    def make(files, extra=()):
        encoded = {
            path: text if isinstance(text, bytes) else text.encode() for path, text in files.items()
        }
        return Made(encoded, extra)

    return make
