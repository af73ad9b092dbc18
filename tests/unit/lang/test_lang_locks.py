"""Lock files by package: what a project may use decides whether a changed line concerns it."""

from __future__ import annotations

import json

import pytest

from affected.lang.lock_formats import read_lock
from affected.lang.locks import locked_digests
from affected.lang.manifest_files import ManifestFiles
from affected.model.target import Project


def digests(files):
    """The locked digest of each project, from the texts of files."""
    manifests = {"pyproject.toml", "package.json", "Cargo.toml"}
    projects = [
        Project(path.rpartition("/")[0], path, (path,))
        for path in files
        if path.rpartition("/")[2] in manifests
    ]
    return locked_digests(projects, ManifestFiles(lambda path: files[path].encode()), files)


def python(*needs):
    return f"[project]\nname = 'x'\ndependencies = {list(needs)}\n"


def toml_lock(**versions):
    """A lock in which `a` needs `b`."""
    rows = [
        f'[[package]]\nname = "{name}"\nversion = "{version}"\n'
        + ('dependencies = [{ name = "b" }]\n' if name == "a" else "")
        for name, version in versions.items()
    ]
    return "version = 1\n" + "".join(rows)


def npm(*needs, name="x"):
    return json.dumps({"name": name, "dependencies": dict.fromkeys(needs, "*")})


def package_lock(**versions):
    """The same in npm's form; `c` of the project two has a version of its own."""
    packages = {"": {}, "one": {}, "two": {}}
    for name, version in versions.items():
        place = f"two/node_modules/{name[1:]}" if name[0] == "_" else f"node_modules/{name}"
        packages[place] = {"version": version, "integrity": f"sha512-{version}"}
    packages["node_modules/a"]["dependencies"] = {"b": "*"}
    return json.dumps({"lockfileVersion": 3, "packages": packages})


def pnpm_lock(**versions):
    rows = "".join(
        f"  {name}@{version}:\n    resolution: {{integrity: sha512-{version}}}\n"
        for name, version in versions.items()
    )
    return (
        f"lockfileVersion: '9.0'\n\nimporters:\n  .: {{}}\n\npackages:\n\n{rows}\nsnapshots:\n\n"
        f"  a@{versions['a']}:\n    dependencies:\n      b: {versions['b']}\n"
    )


def yarn_lock(**versions):
    rows = [
        f'"{name}@^1":\n  version "{version}"\n  integrity sha512-{version}\n'
        + ('  dependencies:\n    b "^1"\n' if name == "a" else "")
        for name, version in versions.items()
    ]
    return "# yarn lockfile v1\n\n" + "\n".join(rows)


def requirements(**versions):
    return "".join(f"{name}=={version}  # pinned\n" for name, version in versions.items())


FORMATS = {
    "uv.lock": (toml_lock, python, "pyproject.toml"),
    "poetry.lock": (toml_lock, python, "pyproject.toml"),
    "Cargo.lock": (
        toml_lock,
        lambda *n: "[package]\nname='x'\n[dependencies]\n" + "".join(f"{one} = '1'\n" for one in n),
        "Cargo.toml",
    ),
    "package-lock.json": (package_lock, npm, "package.json"),
    "pnpm-lock.yaml": (pnpm_lock, npm, "package.json"),
    "yarn.lock": (yarn_lock, npm, "package.json"),
}


@pytest.mark.parametrize("lock", FORMATS)
def test_only_what_a_project_may_use_concerns_it(lock):
    """One needs `a`, and so `b`; the other `c`. Each change concerns one of them."""
    write, manifest, name = FORMATS[lock]

    def changed(**versions):
        now = {"a": "1", "b": "1", "c": "1", "unused": "1", **versions}
        return digests(
            {f"one/{name}": manifest("a"), f"two/{name}": manifest("c"), lock: write(**now)}
        )

    before = changed()
    assert set(before) == {"one", "two"}
    for package, concerned in (("a", "one"), ("b", "one"), ("c", "two"), ("unused", "")):
        after = changed(**{package: "2"})
        assert {path for path in after if after[path] != before[path]} == {concerned} - {""}, (
            package
        )


def test_npm_finds_the_package_that_is_installed_nearest():
    """A version of a project's own hides the shared one."""
    files = {"one/package.json": npm("c"), "two/package.json": npm("c")}

    def changed(**versions):
        lock = package_lock(**{"a": "1", "b": "1", "c": "1", "_c": "1", **versions})
        return digests({**files, "package-lock.json": lock})

    before = changed()
    assert {p for p, d in changed(_c="2").items() if d != before[p]} == {"two"}
    assert {p for p, d in changed(c="2").items() if d != before[p]} == {"one"}


def test_a_workspace_package_brings_what_it_needs():
    """A link in npm's lock leads to another project, whose packages are used too."""
    packages = {
        "": {},
        "one": {"dependencies": {"two": "*"}},
        "two": {"dependencies": {"c": "*"}},
        "node_modules/two": {"resolved": "two", "link": True},
        "node_modules/c": {"version": "1"},
    }
    files = {"one/package.json": npm("two"), "two/package.json": npm("c", name="two")}

    def with_version(version):
        packages["node_modules/c"] = {"version": version}
        lock = json.dumps({"lockfileVersion": 3, "packages": packages})
        return digests({**files, "package-lock.json": lock})

    assert with_version("1")["one"] != with_version("2")["one"]


def test_requirements_have_no_graph_and_concern_every_project_they_are_for():
    """Comments do not count; a pin does."""
    files = {"one/pyproject.toml": python("a"), "requirements.txt": requirements(a="1", b="1")}
    before = digests(files)
    assert digests({**files, "requirements.txt": requirements(a="1", b="1") + "# more\n"}) == before
    assert digests({**files, "requirements.txt": requirements(a="1", b="2")}) != before


def test_a_pylock_with_and_without_a_graph():
    """PEP 751 lets a lock say what needs what, and lets it be silent."""
    files = {"one/pyproject.toml": python("a")}
    silent = '[[packages]]\nname = "a"\nversion = "1"\n[[packages]]\nname = "z"\nversion = "{}"\n'
    told = silent.replace('version = "1"', 'version = "1"\ndependencies = []', 1)
    for text, concerned in ((silent, True), (told, False)):
        one = digests({**files, "pylock.toml": text.format(1)})
        other = digests({**files, "pylock.toml": text.format(2)})
        assert (one != other) is concerned


@pytest.mark.parametrize("lock", [*FORMATS, "pylock.toml"])
@pytest.mark.parametrize("text", ["", "{", "<<<<<<< ours\n", "[]", "packages: 1\n"])
def test_a_lock_that_cannot_be_read_counts_by_its_bytes(lock, text):
    """Every change of it concerns whoever may use it: never the other way round."""
    lock_read = read_lock(lock, ManifestFiles(lambda _: text.encode()))
    other = read_lock(lock, ManifestFiles(lambda _: (text + "x").encode()))
    assert lock_read.closure("", ["a"]) != other.closure("", ["a"]) or not lock_read.packages
