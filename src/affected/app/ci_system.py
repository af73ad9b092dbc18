"""Which CI system runs this, its event file included, and what that says about the base.

Unaware of what is asked about the workspace.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from affected.ci.detect import detect
from affected.ci.github import with_event
from affected.ci.protocol import CI
from affected.git.base_revision import BaseHints

LARGEST_EVENT = 26 * 1024 * 1024  # bytes; GitHub's own bound of an event is 25 MB


def this_ci(environ: Mapping[str, str]) -> CI:
    """What environment and event file say; an event file that cannot be read says nothing."""
    ci = detect(environ)
    event = environ.get("GITHUB_EVENT_PATH", "")
    if ci.name != "github" or not event:
        return ci
    try:
        with Path(event).open(encoding="utf-8", errors="replace") as stream:
            return with_event(ci, stream.read(LARGEST_EVENT))
    except OSError:
        return ci


def hints_of(ci: CI) -> BaseHints:
    """What the CI system knows about the commit to compare with."""
    return BaseHints(
        target_branch=ci.target_branch,
        merge_commit=ci.merge_commit,
        commit=ci.commit,
        target_commit=ci.target_commit,
        queue_commit=ci.queue_commit,
        previous=ci.previous,
        blobless=ci.present,
    )
