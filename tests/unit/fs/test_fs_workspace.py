"""The workspace's root, and walking a tree without git."""

from __future__ import annotations

import os

import pytest

from affected.fs.workspace import find_root, walk


def touch(root, *paths):
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")


def names(root, extra=None):
    return [path for path, _ in walk(root, extra)]


def test_the_root_is_gits_top_folder(tmp_path):
    """A configuration file further down or up does not matter."""
    touch(tmp_path, "affected.toml", "repo/.git/HEAD", "repo/pkg/affected.toml", "repo/pkg/a.py")
    assert find_root(tmp_path / "repo/pkg") == tmp_path / "repo"
    assert find_root(tmp_path / "repo/pkg/a.py") == tmp_path / "repo"


def test_a_git_file_is_a_top_folder_too(tmp_path):
    """Worktrees and submodules have one."""
    touch(tmp_path, ".git/HEAD", "sub/.git", "sub/d/x")
    assert find_root(tmp_path / "sub/d") == tmp_path / "sub"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("affected.toml", ""),
        ("pyproject.toml", "[tool.affected]\n"),
        ("pyproject.toml", '[project]\nname="x"\n[ tool . "affected" ]\n'),
        ("pyproject.toml", "[tool.affected.targets.x]\n"),
    ],
)
def test_without_git_it_is_the_highest_configured_folder(tmp_path, name, text):
    """Every way of configuring counts."""
    (tmp_path / "w/a/b").mkdir(parents=True)
    (tmp_path / "w" / name).write_text(text)
    (tmp_path / "w/a/affected.toml").touch()
    assert find_root(tmp_path / "w/a/b") == tmp_path / "w"


def test_without_anything_it_is_the_start(tmp_path):
    """A plain folder, a plain pyproject.toml, a file in it."""
    touch(tmp_path, "pyproject.toml", "p/a.py")
    (tmp_path / "pyproject.toml").write_text("[tool.affectedly]\n[tool.other]\naffected = 1\n")
    assert find_root(tmp_path / "p") == tmp_path / "p"
    assert find_root(tmp_path / "p/a.py") == tmp_path / "p"


def test_an_empty_git_folder_is_no_sign(tmp_path):
    """As for git itself."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "d").mkdir()
    assert find_root(tmp_path / "d") == tmp_path / "d"


def test_links_are_resolved(tmp_path):
    """The root is a real path."""
    touch(tmp_path, "repo/.git/HEAD")
    (tmp_path / "link").symlink_to("repo")
    assert find_root(tmp_path / "link") == tmp_path / "repo"


def test_a_walk_tells_files_and_links_in_order(tmp_path):
    """Nested repositories are walked, noise and environments are not."""
    touch(
        tmp_path, "b.py", "a/x.py", "a/__pycache__/x.pyc", "nested/.git/HEAD", "nested/n.py",
        ".venv/lib/v.py", "env/pyvenv.cfg", "env/lib/v.py", "node_modules/m.js", "a/b/c/d.txt",
    )  # fmt: skip
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("a")
    os.mkfifo(tmp_path / "pipe")
    assert names(tmp_path) == ["b.py", "link", "a/x.py", "a/b/c/d.txt", "nested/n.py"]


def test_a_walk_carries_the_stat_of_the_entry_itself(tmp_path):
    """Links are not followed."""
    touch(tmp_path, "a")
    (tmp_path / "link").symlink_to("a")
    for path, found in walk(tmp_path):
        assert found == os.lstat(tmp_path / path)


def test_circles_of_links_are_harmless(tmp_path):
    """A link to the folder above is one entry."""
    touch(tmp_path, "d/a")
    (tmp_path / "d/up").symlink_to("..")
    (tmp_path / "self").symlink_to("self")
    assert names(tmp_path) == ["self", "d/a", "d/up"]


def test_more_can_be_left_out(tmp_path):
    """A folder left out is not entered."""
    touch(tmp_path, "out/a", "out/deep/b", "in/a", "in/x.log")
    asked = []

    def extra(path):
        asked.append(path)
        return path == "out" or path.endswith(".log")

    assert names(tmp_path, extra) == ["in/a"]
    assert "out/a" not in asked


def test_names_that_are_not_utf8_are_walked(tmp_path):
    """As surrogate escapes."""
    name = os.fsdecode(b"\xff\n")
    touch(tmp_path, name, f"{name}d/x")
    assert names(tmp_path) == [name, f"{name}d/x"]


def test_a_virtual_environment_may_be_the_root(tmp_path):
    """Only folders below the root are left out."""
    touch(tmp_path, "pyvenv.cfg", "a.py")
    assert names(tmp_path) == ["a.py", "pyvenv.cfg"]


def test_a_deep_tree_is_walked(tmp_path):
    """There is no recursion to run out of."""
    deep = tmp_path
    for _ in range(300):
        deep /= "d"
    deep.mkdir(parents=True)
    (deep / "f").touch()
    assert len(names(tmp_path)) == 1


def test_a_root_that_is_gone_is_empty(tmp_path):
    """Nothing is there to be walked."""
    assert names(tmp_path / "none") == []
