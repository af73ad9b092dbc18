"""Selection by graph alone: what a change reaches, and why, in a workspace of five targets."""

from __future__ import annotations

import pytest

from affected.model.digest import ABSENT
from affected.model.path import RepoPath, parent
from affected.model.selection import Cause, CauseKind, Change, ChangeSet
from affected.model.target import Project, Target, TargetKind
from affected.selection.select import Reach, chain_to, kind_of, select

# file → what it needs; tests are targets
NEEDS = {
    "app/test_app.py": ["app/app.py"],
    "app/app.py": ["lib/lib.py"],
    "lib/test_lib.py": ["lib/lib.py"],
    "lib/lib.py": ["lib/deep.py"],
    "lib/deep.py": ["lib/lib.py"],  # a cycle
    "lib/test_other.py": [],
    "test_root.py": [],
    "tools/test_tools.py": ["app/app.py"],
}
PROJECTS = {
    folder: Project(RepoPath(folder), folder or "root", ())
    for folder in ("", "app", "lib", "tools")
}
TARGETS = [
    Target(path, TargetKind.TEST, parent(path), RepoPath(path), RepoPath(""))
    for path in sorted(NEEDS, reverse=True)
    if "test_" in path
]
EVERYTHING = sorted(target.label for target in TARGETS)


def dependents(starts):
    """Breadth first, next hop towards a start; what the graph room gives."""
    hops = {path: None for path in starts if path in NEEDS}
    queue = list(hops)
    for path in queue:
        for importer, needed in NEEDS.items():
            if path in needed and importer not in hops:
                hops[importer] = path
                queue.append(importer)
    return hops


def reach(observers=None, inert=(), unseen=()):
    """The workspace's answers; who was seen to use what, and what is inert, as given."""
    return Reach(
        dependents=dependents,
        observers=lambda change: (observers or {}).get(change.path, ()),
        observed=lambda label: label not in unseen,
        in_graph=lambda path: path.endswith(".py"),
        owner=lambda path: PROJECTS.get(path.partition("/")[0] if "/" in path else ""),
        needed_by=lambda project: {"lib": ["lib", "app"]}.get(project.path, [project.path]),
        inert=lambda path: path in inert,
    )


def changed(*paths, old="1", new="2"):
    """A change set of these paths."""
    return ChangeSet("b", "h", tuple(Change(RepoPath(path), old, new) for path in paths))


def selected(changes, known=None, shadowed=()):
    """Label → causes."""
    return {s.label: s.causes for s in select(changes, TARGETS, known or reach(), shadowed)}


def test_nothing_changed_selects_nothing():
    """An empty change set is an empty selection."""
    assert selected(changed()) == {}


def test_a_changed_test_file_selects_itself():
    """Its cause is that it changed; the chain is itself."""
    assert selected(changed("test_root.py")) == {
        "test_root.py": (Cause(CauseKind.CHANGED, "test_root.py", ("test_root.py",)),)
    }


def test_a_changed_module_selects_whoever_needs_it_with_the_chain_that_leads_there():
    """Through other modules, and through a cycle."""
    found = selected(changed("lib/deep.py"))
    assert sorted(found) == ["app/test_app.py", "lib/test_lib.py", "tools/test_tools.py"]
    assert found["app/test_app.py"] == (
        Cause(
            CauseKind.DEPENDENCY,
            "lib/deep.py",
            ("app/test_app.py", "app/app.py", "lib/lib.py", "lib/deep.py"),
        ),
    )


def test_the_selection_is_in_label_order():
    """Whatever the order of targets and changes."""
    found = select(changed("test_root.py", "app/app.py"), TARGETS, reach(), ())
    assert [s.label for s in found] == sorted(s.label for s in found)


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("1", "2", CauseKind.CHANGED),
        (ABSENT, "2", CauseKind.ADDED),
        ("1", ABSENT, CauseKind.DELETED),
    ],
)
def test_the_cause_says_what_happened_to_the_path(old, new, kind):
    """Edited, new and deleted are told apart."""
    change = changed("test_root.py", old=old, new=new)
    assert kind_of(change.changes[0]) is kind
    assert selected(change)["test_root.py"][0].kind is kind


def test_a_file_whose_import_resolves_otherwise_selects_like_a_change():
    """A new file captured an import of app.py: who needs app.py runs, and is told so."""
    found = selected(changed(), shadowed=["app/app.py"])
    assert sorted(found) == ["app/test_app.py", "tools/test_tools.py"]
    assert found["app/test_app.py"] == (
        Cause(CauseKind.CAPTURED, "app/app.py", ("app/test_app.py", "app/app.py")),
    )


def test_a_changed_file_outside_the_graph_selects_its_project_and_what_needs_it():
    """Nobody knows who reads it, so everyone who may counts."""
    found = selected(changed("lib/rows.json"))
    assert sorted(found) == ["app/test_app.py", "lib/test_lib.py", "lib/test_other.py"]
    assert set(found.values()) == {(Cause(CauseKind.CHANGED, "lib/rows.json"),)}


def test_a_changed_file_that_was_seen_to_be_read_selects_its_readers_only():
    """An observation knows more than the folder it lies in."""
    known = reach(observers={"lib/rows.json": ["test_root.py"]})
    assert selected(changed("lib/rows.json"), known) == {
        "test_root.py": (Cause(CauseKind.CHANGED, "lib/rows.json"),)
    }


def test_a_target_never_seen_may_use_what_others_were_seen_to_use(seen_by_one):
    """New, or without a record here: its project's rule holds for it."""
    path, known = seen_by_one
    found = selected(changed(path), known)
    assert sorted(found) == ["lib/test_other.py", "test_root.py"]


@pytest.fixture
def seen_by_one():
    """A data file of lib that one test of the root was seen to read; one of lib was never seen."""
    return "lib/rows.json", reach({"lib/rows.json": ["test_root.py"]}, unseen=["lib/test_other.py"])


@pytest.mark.parametrize("path", ["rows.json", "unknown/rows.json"])
def test_a_changed_file_that_no_project_owns_selects_everything(path):
    """Loudly: the cause says that nobody owns it."""
    found = selected(changed(path))
    assert sorted(found) == EVERYTHING
    assert set(found.values()) == {(Cause(CauseKind.UNOWNED, path),)}


def test_an_inert_file_selects_nothing():
    """Documents and the like."""
    assert (
        selected(changed("README.md", "lib/notes.md"), reach(inert=["README.md", "lib/notes.md"]))
        == {}
    )


def test_an_inert_file_that_a_test_was_seen_to_read_selects_that_test():
    """A document that is read is an input like any other."""
    known = reach(observers={"README.md": ["lib/test_lib.py"]}, inert=["README.md"])
    assert sorted(selected(changed("README.md"), known)) == ["lib/test_lib.py"]


def test_a_python_file_that_nobody_imports_selects_nothing():
    """It is in the graph: that nobody needs it is known."""
    assert selected(changed("tools/script.py", old=ABSENT)) == {}


def test_a_python_file_that_a_test_was_seen_to_use_selects_that_test():
    """Started as a script, read as text: no import tells of it, an observation does."""
    known = reach(observers={"tools/script.py": ["test_root.py"]})
    assert selected(changed("tools/script.py"), known) == {
        "test_root.py": (Cause(CauseKind.CHANGED, "tools/script.py"),)
    }


def test_a_target_has_every_cause():
    """Of several changes that reach it outside the graph, each is named; in the graph the nearest."""
    found = selected(changed("lib/lib.py", "lib/a.json", "lib/b.json"))["lib/test_lib.py"]
    assert [(cause.kind, cause.path) for cause in found] == [
        (CauseKind.DEPENDENCY, "lib/lib.py"),
        (CauseKind.CHANGED, "lib/a.json"),
        (CauseKind.CHANGED, "lib/b.json"),
    ]


def test_without_a_base_everything_is_selected_with_the_reason():
    """When in doubt, run: the reason's code comes first."""
    changes = ChangeSet("", "h", (), complete=False, reason="shallow: no common commit")
    found = selected(changes)
    assert sorted(found) == EVERYTHING
    assert set(found.values()) == {
        (Cause(CauseKind.BASE_UNKNOWN, detail="shallow: no common commit"),)
    }


def test_a_chain_ends_even_where_hops_go_in_a_circle():
    """A damaged map of hops gives a chain, not an endless loop."""
    assert chain_to(
        RepoPath("a"), {RepoPath("a"): RepoPath("b"), RepoPath("b"): RepoPath("a")}
    ) == (
        "a",
        "b",
    )
