"""Command targets from tables: names become labels, and what is wrong with the whole is said."""

from __future__ import annotations

import pytest

from affected.config.target_tables import TargetTable
from affected.errors import UserError
from affected.graph.command_graph import Named, resolve
from affected.model.command import FileSet

NEEDS = {"": (), "apps/shop": ("libs/cart",), "libs/cart": ("libs/core",), "libs/core": ()}


def tables(*rows, shared=False):
    """(project, name, values) as tables; a command is given where none is said."""
    return [
        Named(TargetTable(name, f"{project}:{name}", {"command": "x", **values}), project, shared)
        for project, name, values in rows
    ]


def made(*rows, needs=NEEDS, shared=False):
    """The targets by label."""
    return resolve(tables(*rows, shared=shared), needs, lambda text: tuple(text.split()))


def refusal(*rows, **options):
    """Message and hint of the refusal."""
    with pytest.raises(UserError) as caught:
        made(*rows, **options)
    return caught.value.message, caught.value.hint


def builds(**values):
    """A build in every project."""
    return [(project, "build", values) for project in NEEDS if project]


def test_a_caret_means_the_projects_depended_on():
    """Each build waits for the builds of the projects that its own needs."""
    found = made(*builds(dependencies=("^build",)))
    assert found["apps/shop:build"].needs == ("libs/cart:build",)
    assert found["libs/core:build"].needs == ()


def test_a_caret_goes_through_projects_without_the_target():
    """What lies between without a build is passed, not an end."""
    rows = [row for row in builds(dependencies=("^build",)) if row[0] != "libs/cart"]
    assert made(*rows)["apps/shop:build"].needs == ("libs/core:build",)


def test_labels_names_and_kinds_as_dependencies():
    """`NAME` is in the same project, `:NAME` at the root, `kind:K` all of a kind."""
    found = made(
        ("libs/core", "gen", {}),
        ("libs/core", "types", {"kind": "check"}),
        ("libs/core", "lint", {"kind": "check"}),
        ("", "setup", {}),
        (
            "libs/core",
            "build",
            {"dependencies": ("gen", ":setup", "kind:check", "libs/core:gen")},
        ),
    )
    assert found["libs/core:build"].needs == (
        "libs/core:gen",
        ":setup",
        "libs/core:types",
        "libs/core:lint",
    )


def test_tests_as_dependencies_name_projects():
    """Test files of pytest are of the kind `test`: their projects are waited for."""
    found = made(("apps/shop", "deploy", {"dependencies": ("kind:test", "^kind:test")}))
    assert found["apps/shop:deploy"].tests_of == ("apps/shop", "libs/cart", "libs/core")


def test_a_cycle_is_printed():
    """From a target over all that wait back to itself."""
    message, _ = refusal(
        ("", "a", {"dependencies": ("b",)}),
        ("", "b", {"dependencies": ("c",)}),
        ("", "c", {"dependencies": ("a",)}),
    )
    assert message == "targets that wait for each other: :a → :b → :c → :a"


def test_projects_that_need_each_other_are_no_cycle_unless_targets_wait():
    """Cyclic imports alone break nothing; `^build` on them is named."""
    needs = {"a": ("b",), "b": ("a",)}
    rows = [("a", "build", {}), ("b", "build", {})]
    assert set(made(*rows, needs=needs)) == {"a:build", "b:build"}
    waiting = [(p, n, {"dependencies": ("^build",)}) for p, n, _ in rows]
    assert "a:build → b:build → a:build" in refusal(*waiting, needs=needs)[0]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("biuld", "did you mean `build`?"),
        ("libs/core:biuld", "did you mean `libs/core:build`?"),
        ("^biuld", "did you mean `^build`?"),
        ("kind:biuld", "did you mean `kind:build`?"),
    ],
)
def test_a_dependency_that_does_not_exist_names_the_nearest(text, hint):
    """Whatever form it has."""
    rows = [("libs/core", "build", {}), ("libs/core", "lint", {"dependencies": (text,)})]
    message, found = refusal(*rows)
    assert message == f"libs/core:lint: `{text}`, a dependency of libs/core:lint, is no target"
    assert found == hint


def test_a_target_given_to_many_may_wait_for_what_only_some_have():
    """A name that exists somewhere is no mistake in a table applied by pattern."""
    rows = [("libs/core", "gen", {}), *builds(dependencies=("gen",))]
    found = made(*rows, shared=True)
    assert found["libs/core:build"].needs == ("libs/core:gen",)
    assert found["apps/shop:build"].needs == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("dist", "/libs/core/dist"),
        ("dist", "/libs/core/dist/app.js"),
        ("/out", "/out/core"),
        ("dist/*.js", "/libs/core/dist"),
        ("dist/*.js", "/libs/core/dist/app.js"),
        ("dist/*.js", "/libs/core/dist/*.js"),
    ],
)
def test_two_targets_may_not_write_to_one_place(one, other):
    """Both targets are named, whichever comes first."""
    message, _ = refusal(
        ("libs/core", "a", {"outputs": (one,)}), ("libs/cart", "b", {"outputs": (other,)})
    )
    assert {"libs/core:a", "libs/cart:b"} <= set(message.replace(",", "").split())


def test_neighbouring_outputs_do_not_overlap():
    """Names that only start alike are different places."""
    made(
        ("libs/core", "a", {"outputs": ("dist", "lib/*.js")}),
        ("libs/core", "b", {"outputs": ("dist2", "lib/a.css")}),
    )


@pytest.mark.parametrize("output", [".", "..", "../x", "/", "a/../../b", ".git/hooks", "/*.js"])
def test_outputs_have_a_place_of_their_own(output):
    """Never the project itself, never outside, never git's own."""
    message, _ = refusal(("libs/core", "build", {"outputs": (output,)}))
    assert message.startswith("libs/core:build: ")


def test_inputs_by_project_root_and_needs():
    """Own globs, globs from the root, and globs in the projects depended on."""
    globs = ("src/**", "!src/*.md", "/tools/*.py", "^src/**")
    target = made(("libs/core", "build", {"inputs": globs}))["libs/core:build"]
    assert target.inputs == (
        FileSet("libs/core", ("src/**", "!src/*.md")),
        FileSet("", ("/tools/*.py",)),
    )
    assert target.needed_inputs == ("!src/*.md", "src/**")


def test_inputs_that_leave_the_project_are_refused():
    """The way out is named."""
    message, hint = refusal(("libs/core", "build", {"inputs": ("../x",)}))
    assert "leaves its project" in message
    assert "`/`" in hint


def test_defaults():
    """The whole project and those it needs; cached; in the project's folder; kind by name."""
    target = made(("libs/core", "build", {}))["libs/core:build"]
    assert target.inputs == (FileSet("libs/core", ("**/*",)),)
    assert target.needed_inputs == ("**/*",)
    assert (target.kind, target.folder, target.cache) == ("build", "libs/core", True)
    assert not target.on_request
    assert made(("", "ship", {"cache": False}))[":ship"].on_request


def test_a_target_without_a_command_is_refused():
    """Nothing can be run."""
    named = Named(TargetTable("build", "here", {}), "")
    with pytest.raises(UserError, match="`command` is missing"):
        resolve([named], NEEDS, lambda text: (text,))
