"""Random work with git: looked at step by step or all at once, the file table is the same."""

from __future__ import annotations

import itertools
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.opened import Opened
from support.repositories import GitTree

from affected.fs.digests import digest_path

EXAMPLES = 12
PATHS = st.sampled_from(["a.txt", "b.txt", "d/a.txt", "d/b.txt", "local.cfg", "d"])
TEXTS = st.sampled_from(["1\n2\n", "1\r\n2\r\n", "1\n3\n", "", "longer\n"])
RULES = st.sampled_from(["local.cfg\n", "d/\n", "*.txt\n", "", "b.txt\n!d/b.txt\n"])
ATTRIBUTES = st.sampled_from(["* text=auto\n", "*.txt text eol=crlf\n", "", "* -text\n"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("look")),
        st.tuples(st.just("look")),
        st.tuples(st.just("write"), PATHS, TEXTS),
        st.tuples(st.just("delete"), PATHS),
        st.tuples(st.just("ignore"), RULES),
        st.tuples(st.just("attributes"), ATTRIBUTES),
        st.tuples(st.just("git"), st.just("add -A")),
        st.tuples(st.just("git"), st.just("commit -q -a --allow-empty -m change")),
        st.tuples(st.just("git"), st.just("commit -q -a --amend --allow-empty -m change")),
        st.tuples(st.just("git"), st.just("checkout -q -f other")),
        st.tuples(st.just("git"), st.just("checkout -q -f main")),
        st.tuples(st.just("git"), st.just("reset -q --hard HEAD~1")),
        st.tuples(st.just("git"), st.just("stash -q -u")),
        st.tuples(st.just("git"), st.just("clean -q -f -d -x")),
        st.tuples(st.just("named"), st.just("rm -r -q --cached --"), PATHS),
        st.tuples(st.just("named"), st.just("add -f --"), PATHS),
        st.tuples(st.just("named"), st.just("checkout -q --"), PATHS),
        st.tuples(st.just("named"), st.just("update-index --assume-unchanged --"), PATHS),
        st.tuples(st.just("named"), st.just("update-index --no-assume-unchanged --"), PATHS),
        st.tuples(st.just("named"), st.just("update-index --skip-worktree --"), PATHS),
        st.tuples(st.just("named"), st.just("update-index --no-skip-worktree --"), PATHS),
    ),
    max_size=14,
)
numbers = itertools.count()


def make_room(file):
    """So that a file may stand where a folder stood, and the other way round."""
    for above in file.parents:
        if above.is_file():
            above.unlink()
    if file.is_dir():
        shutil.rmtree(file)


def take(opened, step):
    """One step; git may refuse what makes no sense in this state."""
    tree = opened.tree
    match step:
        case ("look",):
            opened.survey()
        case ("write", path, text):
            make_room(tree.root / path)
            tree.write(path, text)
        case ("delete", path):
            if (tree.root / path).is_file():
                (tree.root / path).unlink()
        case ("ignore", rules):
            tree.write(".gitignore", rules)
        case ("attributes", rules):
            tree.write(".gitattributes", rules)
        case ("git", words):
            tree.git(*words.split(), accept=(0, 1, 128))
        case ("named", words, path):
            tree.git(*words.split(), path, accept=(0, 1, 128))


@pytest.fixture(scope="module")
def top(tmp_path_factory):
    return tmp_path_factory.mktemp("random")


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(STEPS)
def test_looking_step_by_step_finds_what_one_look_finds(top, steps):
    """Edits, commits, branches, rules, flags, conversions: in any order, looked at in between."""
    folder = top / str(next(numbers))
    opened = Opened(GitTree.init(folder / "repo"), folder / "cache")
    opened.tree.commit_files({"a.txt": "1\n2\n", "d/a.txt": "1\n2\n"})
    opened.tree.branch("other")
    opened.tree.commit_files({"b.txt": "on other\n"})
    opened.tree.checkout("main")
    opened.survey()
    for step in steps:
        take(opened, step)
    opened.survey()
    once = opened.anew(folder / "anew")
    once.survey()
    assert opened.files() == once.files()
    on_disk = {path: digest_path(opened.tree.root, path) for path in once.files()}
    assert once.files() == on_disk
