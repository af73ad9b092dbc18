"""The command line, called in this process or as a child in a small repository."""

from __future__ import annotations

import gc
import os
import sys

import pytest
from support.repositories import GitTree, isolated_environ

from affected.cli.main import main


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A repository that is the current folder, seen with an environment of its own."""
    environ = isolated_environ({"AFFECTED_CACHE_DIR": str(tmp_path / "cache")})
    tree = GitTree.init(tmp_path / "repo")
    for name in os.environ.keys() - environ.keys():
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tree.root)
    return tree


@pytest.fixture
def call(here, monkeypatch, capsys):
    """Calls `affected ARGUMENTS`; gives exit code, standard output and error."""

    def ask(*arguments):
        monkeypatch.setattr(sys, "argv", ["affected", *arguments])
        try:
            with pytest.raises(SystemExit) as stop:
                main()
        finally:
            gc.enable()
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return ask
