"""What git and the pre-commit framework say of a push."""

from __future__ import annotations

from affected.app.pushed import Push, pushes

ZEROS, A, B = "0" * 40, "a" * 40, "b" * 40


def test_each_commit_is_told_once_and_deletions_not_at_all():
    """One ref a line; a ref that is new on the remote has zeros there."""
    lines = [
        f"refs/heads/main {A} refs/heads/main {B}",
        f"refs/heads/copy {A} refs/heads/copy {ZEROS}",
        f"(delete) {ZEROS} refs/heads/old {B}",
        f"refs/tags/v1 {B} refs/tags/v1 {ZEROS}",
        "",
    ]
    assert pushes(lines, {}) == [Push(A, "refs/heads/main", B), Push(B, "refs/tags/v1", "")]


def test_the_pre_commit_framework_tells_one_commit_by_variables():
    """Git's own words come first."""
    told = {"PRE_COMMIT_TO_REF": A, "PRE_COMMIT_FROM_REF": B, "PRE_COMMIT_LOCAL_BRANCH": "main"}
    assert pushes([], told) == [Push(A, "main", B)]
    assert pushes([f"x {B} y {A}"], told) == [Push(B, "x", A)]
    assert pushes([], {}) == []
