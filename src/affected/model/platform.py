"""Platform: interpreter, OS and installed distributions. Unaware of how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Distribution:
    """One installed distribution."""

    name: str  # normalised (PEP 503)
    version: str
    digest: str  # of its RECORD's portable lines
    tops: tuple[str, ...]  # top-level import names it provides
    requires: tuple[str, ...]  # normalised names, whatever the marker
    editable: str  # folder of an editable install, "" otherwise
    pytest_plugin: bool  # it has a pytest11 entry point


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The Python that runs a project's tests, as it describes itself."""

    executable: str
    version: str  # sys.version, whole
    version_info: tuple[int, int, int]
    implementation: str  # cpython-313
    platform: str  # sysconfig.get_platform() and libc
    site_packages: tuple[str, ...]  # absolute folders
    prefix: str
    distributions: Mapping[str, Distribution]  # by normalised name
