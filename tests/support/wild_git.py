"""Random edits by way of git, or behind its back. Unaware of the command under test."""

from __future__ import annotations

from support.wild_place import Place


def behind_git(place: Place) -> str | None:
    """A tracked file edited that git was told not to look at, or to ignore."""
    tracked = [p for p in place.tree.git("ls-files").splitlines() if p.endswith((".txt", ".py"))]
    tracked = [p for p in tracked if (place.root / p).is_file()]
    if not tracked:
        return None
    path, choice = place.rng.choice(tracked), place.rng.random()
    if choice < 0.3:
        place.tree.git("update-index", "--assume-unchanged", path)
    elif choice < 0.6:
        place.tree.git("update-index", "--skip-worktree", path)
    elif choice < 0.8:
        place.tree.git("rm", "-q", "--cached", path)
    else:
        place.write(".gitignore", place.read(".gitignore") + f"/{path}\n")
    ending = "# seen\n" if path.endswith(".py") else f"{place.number()}\n"
    (place.root / path).write_text(place.read(path) + ending)
    return f"behind git's back {path}"


def line_ends(place: Place) -> str | None:
    """Line ends that git does not count as a change."""
    path = place.pick(".txt")
    if path is None:
        return None
    place.write(".gitattributes", "*.txt text\n")
    old = place.read(path).encode()
    (place.root / path).write_bytes(old.replace(b"\n", b"\r\n"))
    if place.rng.random() < 0.5:
        place.tree.git("add", "-A", ".")
    return f"line ends of {path}"


def commit(place: Place) -> str | None:
    """Everything committed, nothing edited."""
    place.tree.commit()
    return "commit"


def older_commit(place: Place) -> str | None:
    """Everything committed, and an older commit checked out."""
    place.tree.commit()
    commits = place.tree.git("log", "--format=%H", "--all").splitlines()
    place.tree.git("checkout", "-q", "-f", place.rng.choice(commits[:6]))
    return "older commit"


def stash(place: Place) -> str | None:
    """Uncommitted changes put away; untracked files too at times."""
    more = ("-u",) if place.rng.random() < 0.5 else ()
    place.tree.git("stash", "push", "-q", *more, accept=(0, 1))
    return "stash"
