"""Random small monorepos: packages that use each other and the disk in every way that is usual.

Unaware of edits and of the command. Every test ends by telling a number that everything it used
went into, so that a stale result shows; nothing depends on the order of tests, on time or on the
checkout's place.
"""

from __future__ import annotations

import random
import textwrap
from dataclasses import dataclass, field

from support.wild_texts import COMPUTED_READS, FIXTURE_TESTS, HEAD, PLUG, READS, TELL, TESTS

PACKAGES = ("amber", "birch", "cedar", "dune")
MODULES = ("alpha", "beta", "gamma", "delta")
LAYOUTS = ("shared", "flat", "own", "importlib")


@dataclass(slots=True)
class World:
    """The files of one monorepo as they are made, and where things lie in it."""

    rng: random.Random
    layout: str
    packages: tuple[str, ...]
    files: dict[str, str] = field(default_factory=dict)
    computed: bool = True  # some names of modules are made at run time
    plugged: bool = False  # a plugin of the workspace gives a fixture `plugged`

    def code(self, package: str) -> str:
        """The folder of a package's code."""
        return package if self.layout == "flat" else f"libs/{package}/src/{package}"

    def tests(self, package: str) -> str:
        """The folder of a package's tests."""
        return f"{package}/tests" if self.layout == "flat" else f"libs/{package}/tests"

    def source_roots(self) -> list[str]:
        """Folders that imports start from, in order."""
        if self.layout == "flat":
            return [""]
        return [f"libs/{package}/src" for package in self.packages]

    def batches(self) -> list[str]:
        """Folders that plain pytest is started in to run everything."""
        return [f"libs/{p}" for p in self.packages] if self.layout == "own" else [""]


def make_world(rng: random.Random, *, computed: bool = True) -> World:
    """A new monorepo; nothing is on disk yet."""
    count = rng.choice((2, 2, 3, 4))
    world = World(rng, rng.choice(LAYOUTS), PACKAGES[:count], computed=computed)
    _configuration(world)
    for number, package in enumerate(world.packages):
        _package(world, package, number)
        _tests(world, package, number)
    _shared_space(world)
    world.files[".gitignore"] = "*.local\n__pycache__/\n.pytest_cache/\n"
    world.files["README.md"] = "# A monorepo\n"
    return world


def _configuration(world: World) -> None:
    ini = ["[pytest]", "markers =", "    slow: takes long", "flavour = plain"]
    toml = ["[tool.pytest.ini_options]", 'markers = ["slow: takes long"]', 'flavour = "plain"']
    if world.layout == "own":
        for package in world.packages:
            others = [p for p in world.packages if p != package]
            path = ", ".join(['"src"', *(f'"../{other}/src"' for other in others)])
            lines = ["[project]", f'name = "{package}"', "", *toml, f"pythonpath = [{path}]"]
            world.files[f"libs/{package}/pyproject.toml"] = "\n".join(lines) + "\n"
    else:
        if world.layout != "flat":
            ini.append("pythonpath = " + " ".join(world.source_roots()))
        if world.layout == "importlib":
            ini.append("addopts = --import-mode=importlib")
        world.files["pytest.ini"] = "\n".join(ini) + "\n"
    env = 'env = ["WILD_*"]'
    if world.rng.random() < 0.1:
        env += "\nxdist = 2"
    world.files["pyproject.toml"] = f'[project]\nname = "root"\n\n[tool.affected]\n{env}\n'
    _outer_conftest(world)


def _outer_conftest(world: World) -> None:
    rng, roots = world.rng, world.source_roots()
    lines = ["def pytest_addoption(parser):", "    parser.addini('flavour', 'how it tastes')"]
    plugged = rng.random() < 0.4
    if plugged:
        lines.insert(0, "pytest_plugins = ['wild_plug']\n")
        text = PLUG.format(number=rng.randrange(99))
        world.files[f"{roots[-1]}/wild_plug.py".lstrip("/")] = text
        world.files[f"{roots[-1]}/wild_plug.txt".lstrip("/")] = "plug\n"
    if rng.random() < 0.3:
        lines += ["import pathlib", "IGNORED = pathlib.Path(__file__).parent / 'ignored.txt'"]
        lines += ["collect_ignore_glob = IGNORED.read_text().split() if IGNORED.exists() else []"]
    for folder in world.batches():
        world.files[f"{folder}/conftest.py".lstrip("/")] = "\n".join(lines) + "\n"
    world.plugged = plugged


def _package(world: World, package: str, number: int) -> None:
    rng, code = world.rng, world.code(package)
    world.files[f"{code}/data/words.txt"] = f"words {rng.randrange(999)}\n"
    world.files[f"{code}/data/more.txt"] = f"more {rng.randrange(999)}\n"
    for part in "ab":
        world.files[f"{code}/data/parts/{part}.txt"] = f"{rng.randrange(999)}\n"
    world.files[f"{code}/plugins/__init__.py"] = ""
    for name in ("one", "two"):
        world.files[f"{code}/plugins/{name}.py"] = f"VALUE = {rng.randrange(99)}\n"
    known = [(p, m) for p in world.packages[:number] for m in MODULES]
    names = MODULES[: rng.choice((2, 3, 4))]
    for at, name in enumerate(MODULES):
        if name in names:
            earlier = [one for one in known if _exists(world, *one)]
            mine = [(package, m) for m in names[:at]]
            world.files[f"{code}/{name}.py"] = _module(world, package, name, earlier + mine)
    lines = [f"SIZE = {rng.randrange(99)}"]
    if rng.random() < 0.4:
        lines.append(f"from .{names[0]} import *")
    elif rng.random() < 0.4:
        lines.append(f"from . import {names[-1]} as main")
    if rng.random() < 0.3:
        lines.append(
            "def __getattr__(name):\n    import importlib\n    try:\n"
            "        return importlib.import_module('.' + name, __name__)\n"
            "    except ImportError:\n        raise AttributeError(name) from None"
        )
    if rng.random() < 0.85:  # else a namespace package
        world.files[f"{code}/__init__.py"] = "\n".join(lines) + "\n"
    elif world.layout == "flat":
        world.files[f"{code}/__init__.py"] = ""


def _exists(world: World, package: str, module: str) -> bool:
    return f"{world.code(package)}/{module}.py" in world.files


def _module(world: World, package: str, name: str, earlier: list[tuple[str, str]]) -> str:
    rng = world.rng
    top: list[str] = []
    body: list[str] = []
    if earlier:
        for other in rng.sample(earlier, min(len(earlier), rng.choice((1, 1, 2, 3)))):
            _use(world, package, other, top, body)
    if rng.random() < 0.3:
        _use_late(world, rng.choice(world.packages), rng.choice(MODULES), top, body)
    reads = READS + COMPUTED_READS if world.computed else READS
    for _ in range(rng.choice((0, 1, 2))):
        line = rng.choice(reads)
        if rng.random() < 0.4:
            top.append(f"AT_IMPORT_{len(top)} = mix({line})")
            body.append(f"total += AT_IMPORT_{len(top) - 1}")
        else:
            body.append(f"total += mix({line})")
    if rng.random() < 0.3:
        _probe(rng, package, top, body)
    head = textwrap.dedent(HEAD).format(name=name, package=package)
    mix = "\n".join(TELL.split("\n\n\n")[1].splitlines())
    constant = f"K_{package}_{name} = {rng.randrange(1, 999)}\nP_{package}_{name} = 0"
    function = [f"def f_{package}_{name}(depth=0):", "    # adds up", "    if depth > 2:"]
    function += [f"        return {rng.randrange(99)}", f"    total = K_{package}_{name} * 3"]
    function += [f"    total += P_{package}_{name}"]
    function += ["    " + line for text in body for line in text.splitlines()]
    function += ["    return total % 100003"]
    return "\n\n".join([head + mix, constant, "\n".join(top), "\n".join(function)]) + "\n"


def _use(
    world: World, package: str, other: tuple[str, str], top: list[str], body: list[str]
) -> None:
    """Import and call `other`, which is no part of a cycle."""
    rng, (p, m) = world.rng, other
    call = f"f_{p}_{m}"
    styles = [
        (f"import {p}.{m}", f"{p}.{m}.{call}"),
        (f"import {p}.{m} as {p}_{m}", f"{p}_{m}.{call}"),
        (f"from {p} import {m} as {m}_of_{p}", f"{m}_of_{p}.{call}"),
        (f"from {p}.{m} import {call}", call),
        (f"from {p}.{m} import *", call),
        (f"try:\n    from {p}.{m} import {call}\nexcept ImportError:\n    {call} = int", call),
        (f"HELD_{p}_{m} = __import__('{p}.{m}', fromlist=['x'])", f"HELD_{p}_{m}.{call}"),
    ]
    if world.computed:
        styles += [
            (f"LATE_{p}_{m} = importlib.import_module('{p}.' + '{m}')", f"LATE_{p}_{m}.{call}"),
            (f"NAME_{p}_{m} = '{p}.{m}:{call}'", f"pkgutil.resolve_name(NAME_{p}_{m})"),
        ]
    if p == package:
        styles += [
            (f"from . import {m}", f"{m}.{call}"),
            (f"from .{m} import {call} as near_{m}", f"near_{m}"),
            (f"try:\n    from .{m} import *\nexcept ImportError:\n    {call} = int", call),
        ]
    line, use = rng.choice(styles)
    top.append(line)
    body.append(f"total += {use}(depth + 1)")
    if rng.random() < 0.3:
        top.append(f"from {p}.{m} import K_{p}_{m} as COPY_{p}_{m}")
        top.append(f"SUM_{p}_{m} = COPY_{p}_{m} + 1")
        body.append(f"total += SUM_{p}_{m}")


def _use_late(world: World, package: str, module: str, top: list[str], body: list[str]) -> None:
    """Import while running, which cycles allow; what is not there counts as nothing."""
    rng, call = world.rng, f"f_{package}_{module}"
    styles = [
        f"from {package}.{module} import {call} as late",
        f"late = importlib.import_module('{package}.{module}').{call}",
        f"late = __import__('{package}.{module}', fromlist=['x']).{call}",
    ]
    if world.computed:
        made = f"'{package}.' + '{module}'[::-1][::-1]"
        styles.append(f"late = getattr(importlib.import_module({made}), '{call}')")
    body.append(
        f"try:\n    {rng.choice(styles)}\nexcept (ImportError, AttributeError):\n    late = int\n"
        "total += late(depth + 1)"
    )
    if rng.random() < 0.3:
        top.append(
            f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import {package}.{module}"
        )


def _probe(rng: random.Random, package: str, top: list[str], body: list[str]) -> None:
    """Something that is absent at first and would be used."""
    name = rng.choice(
        ("fastpath", f"{package}.maybe", "shared.three", "colorsys", "sortedcontainers")
    )
    short = name.replace(".", "_")
    get = f"getattr({short}, 'VALUE', 3)"
    top.append(f"try:\n    import {name} as {short}\nexcept ImportError:\n    {short} = None")
    body.append(f"total += {get}")


def _tests(world: World, package: str, number: int) -> None:
    rng, folder = world.rng, world.tests(package)
    if world.layout == "flat":
        world.files[f"{folder}/__init__.py"] = ""
    if rng.random() < 0.7:
        world.files[f"{folder}/conftest.py"] = _conftest(world, package)
    world.files[f"{folder}/res.txt"] = f"resource {rng.randrange(999)}\n"
    world.files[f"{folder}/cases.txt"] = "x y\n"
    has_fixture = f"{folder}/conftest.py" in world.files
    world.files[f"{folder}/aid_{package}.py"] = (
        f"import pathlib\nVALUE = {rng.randrange(99)}\n\n\ndef read():\n"
        "    return (pathlib.Path(__file__).parent / 'res.txt').read_text()\n"
    )
    world.files[f"{folder}/deep/far_{package}.py"] = f"VALUE = {rng.randrange(99)}\n"
    for at in range(rng.choice((1, 2, 2))):
        visible = [
            (p, m) for p in world.packages[: number + 1] for m in MODULES if _exists(world, p, m)
        ]
        chosen = rng.sample(visible, min(len(visible), rng.choice((1, 1, 2))))
        path = f"{folder}/test_{package}_{at}.py"
        world.files[path] = _test_file(world, package, chosen, has_fixture=has_fixture)


def _conftest(world: World, package: str) -> str:
    rng = world.rng
    lines = ["import pathlib", "import zlib", "import pytest", "", TELL.split("\n\n\n")[1], ""]
    scope = rng.choice(("session", "package", "module", "function"))
    read = "(pathlib.Path(__file__).parent / 'res.txt').read_bytes()"
    if rng.random() < 0.3:
        lines.insert(
            1, "import sys\nsys.path.insert(0, str(pathlib.Path(__file__).parent / 'deep'))"
        )
    if rng.random() < 0.3:
        if _exists(world, package, "__init__"):
            lines.insert(0, f"from {package} import SIZE")
        lines.append("SEEN = globals().get('SIZE', 1)")
        read = f"{read} + str(SEEN).encode()"
    if rng.random() < 0.2:
        lines += [
            "@pytest.fixture(autouse=True, scope='session')",
            "def prepared():",
            f"    from {package} import plugins",
            "    yield plugins",
            "    (pathlib.Path(__file__).parent / 'cases.txt').read_text()",
        ]
    lines += [
        f"@pytest.fixture(scope='{scope}')",
        "def resource():",
        f"    return mix({read})",
        "",
        "@pytest.fixture",
        "def derived(resource):",
        f"    return resource + {rng.randrange(99)}",
    ]
    if rng.random() < 0.3:
        lines += [
            "",
            "SKIPPED = pathlib.Path(__file__).parent / 'skipped.txt'",
            "def pytest_collection_modifyitems(items):",
            "    names = SKIPPED.read_text().split() if SKIPPED.exists() else []",
            "    for item in items:",
            "        if item.name in names and SKIPPED.parent in item.path.parents:",
            "            item.add_marker(pytest.mark.skip(reason='listed'))",
        ]
    if rng.random() < 0.3:
        target = f"{package}.alpha.P_{package}_alpha"
        lines += [
            "",
            "@pytest.fixture(autouse=True)",
            "def patched(monkeypatch):",
            f"    monkeypatch.setattr('{target}', {rng.randrange(99)}, raising=False)",
        ]
    return "\n".join(lines) + "\n"


def _test_file(
    world: World, package: str, modules: list[tuple[str, str]], *, has_fixture: bool
) -> str:
    rng = world.rng
    lines = ["import os, pathlib, sys, zlib", "import pytest"]
    lines += [f"from {p}.{m} import f_{p}_{m}" for p, m in modules]
    lines += ["HERE = pathlib.Path(__file__).parent", TELL]
    for number, (p, m) in enumerate(modules):
        lines += [f"def test_call_{number}():", f"    tell(f_{p}_{m}())", ""]
    choices = list(TESTS)
    if has_fixture:
        choices += list(FIXTURE_TESTS)
    if world.plugged:
        choices += ["def test_plugged(plugged):\n    tell(plugged + {number})"] * 2
    for text in rng.sample(choices, rng.choice((1, 2, 3))):
        p, m = rng.choice(modules)
        lines += [text.format(call=f"f_{p}_{m}", package=package, number=rng.randrange(99)), ""]
    return "\n".join(lines) + "\n"


def _shared_space(world: World) -> None:
    """A namespace package with a part in two projects."""
    roots = world.source_roots()
    first, last = roots[0], roots[-1]
    world.files[f"{first}/shared/one.py".lstrip("/")] = f"VALUE = {world.rng.randrange(99)}\n"
    world.files[f"{last}/shared/two.py".lstrip("/")] = f"VALUE = {world.rng.randrange(99)}\n"
