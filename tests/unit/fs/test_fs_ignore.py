"""Noise, inert documents and patterns."""

from __future__ import annotations

import pytest

from affected.fs.ignore import BUILT_IN, INERT, Patterns, environments, is_noise


@pytest.mark.parametrize(
    "path",
    ["__pycache__/a.cpython-313.pyc", "a/__pycache__/b.pyc", "x.pyc", ".coverage", "p/.coverage",
     ".coverage.host.12", "a/.coverage.x", ".git/HEAD", "sub/.git", "node_modules/x/y.js",
     "a/.venv/lib/x.py", ".pytest_cache/v", ".hypothesis/examples/1", ".affected-cache/index",
     ".mypy_cache/3.13/x", ".ruff_cache/0", ".tox/py/x", ".nox/t"],
)  # fmt: skip
def test_what_tools_leave_behind_is_noise(path):
    """Anywhere in the tree, and everything below it."""
    assert is_noise(path)


@pytest.mark.parametrize(
    "path",
    ["a.py", "pycache/a.py", "x.pyc.py", ".coveragerc", "coverage.py", "a/.coveragerc",
     ".github/workflows/ci.yml", ".gitignore", "venv/a.py", "node_modules.txt", "git/x", ""],
)  # fmt: skip
def test_other_names_are_not(path):
    """Names that only resemble noise."""
    assert not is_noise(path)


def test_noise_is_what_the_built_in_patterns_say():
    """The fast answer and the patterns agree."""
    patterns = Patterns(BUILT_IN)
    for path in ("a.py", "x.pyc", "d.pyc/x", "b/.coverage.1/c", ".coverage", "coverage/a", ".gitx"):
        assert is_noise(path) == patterns.matches(path)


def test_virtual_environments_are_found_by_their_mark():
    """Whatever they are called."""
    paths = ["venv/pyvenv.cfg", "venv/lib/x.py", "a/env/pyvenv.cfg", "b/c.py"]
    assert environments(paths) == {"venv", "a/env"}


@pytest.mark.parametrize(
    ("globs", "inside", "outside"),
    [
        (["*.md"], ["a.md", "d/a.md", "a.md/x"], ["a.mdx", "amd"]),
        (["/a"], ["a", "a/b"], ["b/a", "ab"]),
        (["a/b"], ["a/b", "a/b/c"], ["x/a/b", "a/bc"]),
        (["d/"], ["d/x", "a/d/x"], ["d", "a/d"]),
        (["/d/"], ["d/x"], ["d", "a/d/x"]),
        (["**/x"], ["x", "a/x", "a/b/x", "x/y"], ["ax"]),
        (["a/**"], ["a/x", "a/b/c"], ["a", "b/a/x"]),
        (["a/**/b"], ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb"]),
        (["docs/**/*.md"], ["docs/a.md", "docs/b/c.md"], ["x/docs/a.md", "docs/a.py"]),
        (["a?c"], ["abc", "d/axc"], ["ac", "a/c"]),
        (["[ab].py"], ["a.py", "d/b.py"], ["c.py"]),
        (["[!ab].py"], ["c.py"], ["a.py", "/.py"]),
        (["a[/]b"], [], ["a/b"]),
        (["[]]x"], ["]x"], ["[x"]),
        (["[x"], ["[x"], ["x"]),
        ([r"\*"], ["*", "d/*"], ["a"]),
        ([r"\!x", r"\#y"], ["!x", "#y"], ["x", "y"]),
        (["# comment", "", "   ", "/"], [], ["# comment", "a", " "]),
        (["*.md", "!keep.md"], ["a.md"], ["keep.md", "d/keep.md"]),
        (["*", "!*.py", "x.py"], ["a", "x.py"], ["b.py"]),
        (["a b"], ["a b"], ["a"]),
        (["a.b"], ["a.b"], ["aXb"]),
        (["new\nline*"], ["new\nline\nx"], ["new"]),
        (["a**b"], ["ab", "axxb"], ["a/b"]),
    ],
)
def test_patterns_read_like_gits(globs, inside, outside):
    """Anchors, folders, stars, sets, escapes, comments and taking back."""
    patterns = Patterns(globs)
    assert [path for path in inside if not patterns.matches(path)] == []
    assert [path for path in outside if patterns.matches(path)] == []


def test_no_patterns_match_nothing():
    """And say so."""
    assert not Patterns([])
    assert not Patterns(["# only a comment"])
    assert not Patterns([]).matches("a")
    assert Patterns(["a"])


@pytest.mark.parametrize(
    "path",
    ["README.md", "readme.rst", "pkg/README", "LICENSE", "sub/LICENSE.txt", "LICENSE-MIT",
     "CHANGELOG.md", "docs/guide/a.md", "docs/index.rst", "NOTES.md", ".github/x/pr.md",
     "CODEOWNERS", ".gitignore", "CITATION.cff"],
)  # fmt: skip
def test_documents_are_inert(path):
    """Those that no test reads by default."""
    assert Patterns(INERT).matches(path)


@pytest.mark.parametrize(
    "path",
    ["readme.py", "README.py", "license_check.py", "pkg/notes.md", "tests/data/a.md", "docs/conf.py",
     "docs/a.txt", "requirements.txt", "history.py", "news/feed.py", "changes/x.py", "a.txt",
     "security.py", "support/x.py", "NEWS/x.py", "pkg/docs/a.md", ".github/workflows/ci.yml", ".gitattributes"],
)  # fmt: skip
def test_what_a_test_may_read_is_not(path):
    """Code, data and text beside them."""
    assert not Patterns(INERT).matches(path)
