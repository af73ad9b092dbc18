"""Patterns against git's own reading of an ignore file."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.repositories import GitTree

from affected.fs.ignore import Patterns
from affected.git.repository import Repository

NAMES = st.sampled_from(["a", "b", "ab", "a.py", "b.py", ".x", "[a]", "a b", "!a", "#b", "*"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
PIECES = st.sampled_from(
    ["a", "b", "ab", "*", "**", "?", "*.py", "a*", "[ab]", "[!a]", ".x", "[^b]*", "a?", r"\*", "[a-b]"]
)  # fmt: skip
GLOBS = st.builds(
    lambda before, pieces, after: before + "/".join(pieces) + after,
    st.sampled_from(["", "", "/"]),
    st.lists(PIECES, min_size=1, max_size=3),
    st.sampled_from(["", "", "/"]),
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return GitTree.init(tmp_path_factory.mktemp("patterns"))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(globs=st.lists(GLOBS, min_size=1, max_size=4), paths=st.lists(PATHS, max_size=12))
def test_patterns_match_what_git_ignores(tree, globs, paths):
    """Any mixture of anchors, stars, sets and folders, without taking back."""
    (tree.root / ".git/info/exclude").write_text("\n".join(globs) + "\n")
    repository = Repository.discover(tree.root, tree.environ)
    asked = {path for path in paths if path.split("/")[0] != ".git"}
    patterns = Patterns(globs)
    assert {path for path in asked if patterns.matches(path)} == repository.ignored(asked)
