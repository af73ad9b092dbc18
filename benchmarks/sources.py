"""The sources of a made-up monorepo: the text of every file of a plan.

Unaware of the disk. Every test is trivial and real: it calls what it imports, and passes.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

from benchmarks.blueprint import Blueprint, Module, Project, Test

_GITIGNORE = "__pycache__/\n*.pyc\n.pytest_cache/\n.venv/\n.affected-cache/\n"
_SENTENCES = (
    "Every part does one small thing.",
    "What a part needs, it imports at the top.",
    "Tables are plain JSON.",
    "Nothing here talks to a network.",
    "Tests sit beside the package they check.",
)


def texts(blueprint: Blueprint, seed: int) -> Iterator[tuple[str, str]]:
    """Every (path, text) of the tree, in no particular order."""
    yield "README.md", "# A made-up monorepo\n\nWritten by a generator, for measuring.\n"
    yield "pyproject.toml", '[project]\nname = "monorepo"\nversion = "1.0"\n'
    yield ".gitignore", _GITIGNORE
    yield "docs/guide.md", "# Guide\n\n" + "\n".join(_SENTENCES) + "\n"
    for project in blueprint.projects:
        yield from _project_texts(project, random.Random(f"{seed}/text/{project.folder}"))


def _project_texts(project: Project, rng: random.Random) -> Iterator[tuple[str, str]]:
    yield f"{project.folder}/pyproject.toml", _manifest(project)
    yield f"{project.folder}/README.md", f"# {project.name}\n\n{_sentence(rng)}\n"
    if project.configuration not in ("pyproject", "conftest"):
        yield f"{project.folder}/{project.configuration}", _configuration(project)
    if project.configuration == "conftest":
        yield f"{project.folder}/conftest.py", _path_conftest(project)
    tests = f"{project.folder}/tests"
    yield f"{tests}/conftest.py", _conftest(project)
    yield f"{tests}/unit/{project.support_name}.py", _support(project)
    for document in project.documents:
        yield document, f"# {document.rpartition('/')[2]}\n\n{_sentence(rng)}\n{_sentence(rng)}\n"
    for number, path in enumerate(project.data_files):
        yield path, json.dumps({"case": number, "value": int(rng.random() * 1000)}) + "\n"
    for package in project.packages:
        yield f"{package}/__init__.py", _init_text(project, package)
    for module in project.modules:
        if module.resource:
            table = {f"row{n}": int(rng.random() * 100) for n in range(8)}
            yield module.resource, json.dumps(table, indent=1) + "\n"
        yield module.path, _module_text(project, module, rng)
    for test in project.tests:
        yield test.path, _test_text(project, test)


def _sentence(rng: random.Random) -> str:
    return _SENTENCES[int(rng.random() * len(_SENTENCES))]


def _search_path(project: Project) -> list[str]:
    """Where its tests import from, as seen from its folder."""
    roots = [project.source_root, *(other.source_root for other in project.needs)]
    prefix = project.folder + "/"
    inside = [root.removeprefix(prefix) if root != project.folder else "." for root in roots[:1]]
    return inside + [f"../../{root}" for root in roots[1:]]


def _manifest(project: Project) -> str:
    needs = ", ".join(json.dumps(other.name) for other in project.needs)
    text = f'[project]\nname = "{project.name}"\nversion = "1.0"\ndependencies = [{needs}]\n'
    if project.configuration == "pyproject":
        paths = ", ".join(map(json.dumps, _search_path(project)))
        text += (
            "\n[tool.pytest.ini_options]\n"
            f'testpaths = ["tests"]\npythonpath = [{paths}]\naddopts = "-ra"\n'
        )
    return text


def _configuration(project: Project) -> str:
    section = "[tool:pytest]" if project.configuration == "setup.cfg" else "[pytest]"
    paths = "".join(f"\n    {path}" for path in _search_path(project))
    return f"{section}\ntestpaths = tests\npythonpath ={paths}\n"


def _path_conftest(project: Project) -> str:
    paths = ", ".join(map(json.dumps, _search_path(project)))
    return (
        '"""Makes the packages importable."""\n\n'
        "import sys\nfrom pathlib import Path\n\n"
        f"for _folder in ({paths},):\n"
        "    sys.path.insert(0, str(Path(__file__).parent.joinpath(_folder).resolve()))\n"
    )


def _conftest(project: Project) -> str:
    module = project.modules[0]
    return (
        f'"""Fixtures of {project.name}."""\n\n'
        f"import pytest\n\nfrom {module.dotted} import {module.function}\n\n\n"
        f"@pytest.fixture\ndef start() -> int:\n    return {module.function}()\n"
    )


def _support(project: Project) -> str:
    return (
        f'"""What some tests of {project.name} share."""\n\n\n'
        "def check(value: int) -> None:\n    assert value >= 0\n"
    )


def _init_text(project: Project, package: str) -> str:
    text = f'"""Package {package.rpartition("/")[2]}."""\n'
    if package == project.package_folder and project.exported is not None:
        exported = project.exported
        text += f"\nfrom {exported.dotted} import {exported.function}\n"
        text += f'\n__all__ = ["{exported.function}"]\n'
    return text


def _module_text(project: Project, module: Module, rng: random.Random) -> str:
    top, body, late = _import_lines(module)
    lines = [
        f'"""Part {module.dotted} of {project.name}."""',
        "",
        "from __future__ import annotations",
    ]
    lines += [
        "",
        *sorted({*top, "import json", "import os.path", "from dataclasses import dataclass"}),
    ]
    lines.append("from typing import TYPE_CHECKING")
    if module.resource:
        lines.append("from pathlib import Path")
    typed = [needed for needed, style in module.imports if style == "typing"]
    if typed:
        lines += ["", "if TYPE_CHECKING:"]
        lines += [
            f"    from {needed.dotted} import Entry as {needed.function}_entry" for needed in typed
        ]
    lines += [
        "",
        f'__all__ = ["{module.function}", "Entry"]'
        if not top
        else f'__all__ = ["{module.function}"]',
    ]
    if module.resource:
        table = module.resource.rpartition("/")[2]
        lines.append('_TABLES = Path(__file__).parent.parent / "resources"')
        lines.append(f'TABLE = json.loads((_TABLES / "{table}").read_text())')
    lines += _entry_lines(rng)
    for step in range(2 + int(rng.random() * 5)):
        lines += _step_lines(step, rng)
    lines += ["", "", f"def {module.function}() -> int:", f"    return {module.weight}"]
    lines += ["", "", "def total(value: int) -> int:", *body, "    return value", *late]
    return "\n".join(lines) + "\n"


def _import_lines(module: Module) -> tuple[list[str], list[str], list[str]]:
    """Lines at the top, in the body of `total`, and at the end of the file."""
    top: list[str] = []
    body = [f"    value += {module.function}()"]
    late: list[str] = []
    for needed, style in module.imports:
        name, dotted = needed.function, needed.dotted
        if style == "from":
            top.append(f"from {dotted} import {name}")
        elif style == "plain":
            top.append(f"import {dotted}")
            name = f"{dotted}.{name}"
        elif style == "star":
            top.append(f"from {dotted} import *  # noqa: F403")
        elif style == "lazy":
            body.append(f"    from {dotted} import {name}")
        elif style == "string":
            body.append(f'    found = __import__("importlib").import_module("{dotted}")')
            name = f"found.{name}"
        elif style == "cycle":
            late += ["", "", f"import {dotted}  # noqa: E402  # it imports this module, too"]
        if style not in ("typing", "cycle"):
            body.append(f"    value += {name}()")
    return top, body, late


def _entry_lines(rng: random.Random) -> list[str]:
    return [
        "",
        "",
        "@dataclass",
        "class Entry:",
        '    """One row that the steps below pass on."""',
        "",
        "    name: str",
        f"    weight: int = {int(rng.random() * 1000)}",
        "",
        "    def to_json(self) -> str:",
        '        return json.dumps({"name": os.path.basename(self.name), "weight": self.weight})',
    ]


def _step_lines(step: int, rng: random.Random) -> list[str]:
    a, b, c = (2 + int(rng.random() * 97) for _ in range(3))
    return [
        "",
        "",
        f"def step_{step}(value: int) -> int:",
        f'    """Step {step}: fold the value with {a} and {b}."""',
        f"    if value % {a} == 0:",
        f"        return value // {a} + {c}",
        f"    for turn in range({b % 5 + 1}):",
        f"        value = (value * {b} + turn) % 100003",
        "    return value",
    ]


def _test_text(project: Project, test: Test) -> str:
    lines = [f'"""Checks of {project.name}."""', ""]
    if test.reads:
        lines.append("import json")
    if test.reads or test.lists:
        lines.append("from pathlib import Path")
    if test.cases > 1:
        lines += ["", "import pytest"]
    if test.support and "/unit/" in test.path:
        lines.append(f"from {project.support_name} import check")
    for number, module in enumerate(test.modules):
        lines.append(f"from {module.dotted} import total as total_{number}")
    lines += _case_lines(test)
    if test.fixture:
        lines += ["", "", "def test_start(start):", "    assert start > 0"]
        lines.append(f"    assert total_0(start) == {test.modules[0].total()} + start")
    if test.support and "/unit/" in test.path:
        lines += ["", "", "def test_support():", "    check(total_0(1))"]
    for path in test.reads:
        name = path.rpartition("/")[2]
        lines += ["", "", "def test_table():"]
        lines.append(f'    path = Path(__file__).parent.parent / "data" / "{name}"')
        lines.append('    assert json.loads(path.read_text())["value"] >= 0')
    if test.lists:
        lines += ["", "", "def test_folder():"]
        lines.append(
            '    names = [p.name for p in (Path(__file__).parent.parent / "data").iterdir()]'
        )
        lines.append(f"    assert len(names) >= {len(project.data_files)}")
    return "\n".join(lines) + "\n"


def _case_lines(test: Test) -> list[str]:
    checks = [
        f"    assert total_{number}(value) == {module.total()} + value"
        for number, module in enumerate(test.modules)
    ]
    if test.cases == 1:
        return ["", "", "def test_total():", "    value = 0", *checks]
    values = ", ".join(str(number * 7) for number in range(test.cases))
    mark = f'@pytest.mark.parametrize("value", [{values}])'
    return ["", "", mark, "def test_total(value):", *checks]
