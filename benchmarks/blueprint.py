"""The plan of a made-up monorepo: projects, modules, tests and who needs whom, as values.

Unaware of files and of what the sources say. One seed gives one plan, on every machine and Python.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

TEST_SHARE = 0.2  # of all files: 20,000 targets in a tree of 100,000 files
_FILES_A_PROJECT = 250
_MODULES_A_PACKAGE = 12
_GROUPS = ("libs", "services", "tools", "apps")
_LAYOUTS = ("src", "flat", "src", "namespace", "flat")
_CONFIGURATIONS = ("pyproject", "pytest.ini", "pyproject", "setup.cfg", "tox.ini", "conftest")
_WORDS = (
    "amber",
    "beacon",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "garnet",
    "harbor",
    "indigo",
    "juniper",
    "kestrel",
    "lagoon",
    "maple",
    "nectar",
    "onyx",
    "pebble",
    "quartz",
    "raven",
    "saffron",
    "tundra",
    "umber",
    "velvet",
    "willow",
    "xenon",
    "yarrow",
    "zephyr",
)


@dataclass(slots=True)
class Module:
    """One module: its file, dotted name, and the modules it imports, each with a style.

    Styles: "from", "plain", "lazy", "typing", "star", "string", and "cycle" (at the end of the
    file: what it imports there imports it in turn). `resource` is a data file that it reads when
    imported. A twin is imported by the next module and by tests only, so that the import cycle of
    the two works whichever of them is loaded first.
    """

    path: str
    dotted: str
    function: str  # its function that others call; no other module has that name
    weight: int  # what that function returns
    imports: list[tuple[Module, str]] = field(default_factory=list)
    resource: str = ""
    twin: bool = False

    def total(self) -> int:
        """What its `total(0)` returns: its weight and those of what it imports at run time."""
        return self.weight + sum(
            needed.weight for needed, style in self.imports if style not in ("typing", "cycle")
        )


@dataclass(slots=True)
class Test:
    """One test file, what it imports, the data files it reads, and how it uses pytest."""

    path: str
    modules: list[Module]
    reads: list[str]
    fixture: bool  # uses the fixture of the conftest.py beside it
    support: bool  # imports the module beside it by its bare name
    lists: bool  # lists the folder of the data files
    cases: int


@dataclass(slots=True)
class Project:
    """One project: a folder with a manifest, one package, and its tests."""

    folder: str
    name: str
    layout: str  # "src", "flat" or "namespace"
    configuration: str  # where pytest's configuration is; "conftest": nowhere
    package: str  # dotted name of its package
    package_folder: str
    needs: list[Project]  # transitive, itself left out, sorted by folder
    packages: list[str] = field(default_factory=list)  # folders with an __init__.py
    modules: list[Module] = field(default_factory=list)
    tests: list[Test] = field(default_factory=list)
    data_files: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    exported: Module | None = None  # what the package's __init__ imports

    @property
    def source_root(self) -> str:
        """The folder from which its package is imported."""
        return self.folder if self.layout == "flat" else f"{self.folder}/src"

    @property
    def support_name(self) -> str:
        """The module beside the tests that some of them import by its bare name."""
        return f"{self.name}_support"


@dataclass(frozen=True, slots=True)
class Blueprint:
    """The whole tree. `root_files` are the paths at the top that belong to no project."""

    projects: list[Project]
    root_files: tuple[str, ...]


ROOT_FILES = ("README.md", "pyproject.toml", ".gitignore", "docs/guide.md")


def draw(files: int, seed: int) -> Blueprint:
    """A plan of exactly `files` files; ValueError when they are too few for one."""
    if files < 200:
        raise ValueError(f"{files} files are too few for several projects: at least 200")
    projects = max(4, round(files / _FILES_A_PROJECT))
    quota, rest = divmod(files - len(ROOT_FILES), projects)
    tests, more_tests = divmod(round(files * TEST_SHARE), projects)
    drawn: list[Project] = []
    for position in range(projects):
        rng = random.Random(f"{seed}/{position}")  # a string seeds alike in every version
        project = _project(position, drawn, rng)
        _fill(
            project,
            rng,
            quota + (1 if position < rest else 0),
            tests + (1 if position < more_tests else 0),
        )
        drawn.append(project)
    return Blueprint(drawn, ROOT_FILES)


def _below(rng: random.Random, limit: int) -> int:
    return int(rng.random() * limit)


def _skewed(rng: random.Random, limit: int, power: float = 2.2) -> int:
    """A number below `limit`, low ones far likelier: a power law of fan-in."""
    return int(limit * rng.random() ** power)


def _project(position: int, earlier: list[Project], rng: random.Random) -> Project:
    word = _WORDS[(position * 7 + _below(rng, 3)) % len(_WORDS)]
    name = f"{word}_{position:04d}"
    layout = _LAYOUTS[position % len(_LAYOUTS)]
    direct = {_skewed(rng, position) for _ in range(_below(rng, 4))} if position else set()
    needs: dict[str, Project] = {}
    for index in direct:
        needs[earlier[index].folder] = earlier[index]
        needs.update((project.folder, project) for project in earlier[index].needs)
    group = _GROUPS[0] if position * 3 < 1 + position else _GROUPS[_below(rng, len(_GROUPS))]
    folder = f"{group}/{name}"
    package = f"acme.{name}" if layout == "namespace" else name
    root = folder if layout == "flat" else f"{folder}/src"
    return Project(
        folder=folder,
        name=name,
        layout=layout,
        configuration=_CONFIGURATIONS[position % len(_CONFIGURATIONS)],
        package=package,
        package_folder=f"{root}/{package.replace('.', '/')}",
        needs=[needs[key] for key in sorted(needs)],
    )


def _fill(project: Project, rng: random.Random, quota: int, tests: int) -> None:
    """Give a project exactly `quota` files, `tests` of them test files."""
    own_configuration = project.configuration not in ("pyproject", "conftest")
    fixed = 4 + own_configuration  # pyproject.toml, README.md, conftest.py, support module
    fixed += project.configuration == "conftest"  # its conftest.py above the tests
    read_by_tests = max(2, quota // 40)
    resources = max(1, quota // 100)
    documents = quota // 60
    left = quota - fixed - tests - read_by_tests - resources - documents
    project.documents = [f"{project.folder}/docs/chapter_{n:02d}.md" for n in range(documents)]
    tests_folder = f"{project.folder}/tests"
    project.data_files = [f"{tests_folder}/data/case_{n:03d}.json" for n in range(read_by_tests)]
    _modules(project, rng, left, resources)
    project.tests = [_test(project, rng, number) for number in range(tests)]


def _modules(project: Project, rng: random.Random, files: int, resources: int) -> None:
    packages = max(1, files // (_MODULES_A_PACKAGE + 1))
    folder, dotted = project.package_folder, project.package
    project.packages = [folder, *(f"{folder}/part_{n:02d}" for n in range(packages))]
    amount = files - len(project.packages)
    for number in range(amount):
        part = f"part_{number % packages:02d}"
        stem = f"{_WORDS[_below(rng, len(_WORDS))]}_{number:03d}"
        module = Module(
            path=f"{folder}/{part}/{stem}.py",
            dotted=f"{dotted}.{part}.{stem}",
            function=f"weigh_{project.name}_{number:03d}",
            weight=1 + _below(rng, 1000),
        )
        _imports(project, module, rng)
        project.modules.append(module)
    for number in range(resources):
        owner = project.modules[(number * 17 + 3) % amount]
        owner.resource = f"{folder}/resources/table_{number:02d}.json"
    project.exported = project.modules[0] if rng.random() < 0.25 else None


def _imports(project: Project, module: Module, rng: random.Random) -> None:
    chosen: dict[str, tuple[Module, str]] = {}
    for _ in range(min(len(project.modules), 1 + _below(rng, 5))):
        needed = project.modules[_skewed(rng, len(project.modules))]
        if needed.twin:
            continue
        chosen.setdefault(needed.dotted, (needed, _style(rng)))
    for _ in range(_below(rng, 3) if project.needs else 0):
        other = project.needs[_skewed(rng, len(project.needs))]
        needed = other.modules[_skewed(rng, len(other.modules), 4)]
        if needed.twin:
            continue
        chosen.setdefault(needed.dotted, (needed, _style(rng)))
    if len(project.modules) > 2 and rng.random() < 0.06 and not project.modules[-1].twin:
        twin = project.modules[-1]
        twin.twin = True
        twin.imports.append((module, "cycle"))
        chosen[twin.dotted] = (twin, "from")
    module.imports = [chosen[dotted] for dotted in sorted(chosen)]


def _style(rng: random.Random) -> str:
    drawn = rng.random()
    for limit, style in ((0.55, "from"), (0.8, "plain"), (0.9, "lazy"), (0.95, "typing")):
        if drawn < limit:
            return style
    return "star" if drawn < 0.98 else "string"


def _test(project: Project, rng: random.Random, number: int) -> Test:
    count = len(project.modules)
    first = project.modules[(number * 3 + 1) % count]
    chosen = {first.dotted: first}
    for _ in range(_below(rng, 3)):
        other = project.modules[count - 1 - _skewed(rng, count, 1.5)]
        chosen.setdefault(other.dotted, other)
    reads = []
    if number < len(project.data_files):
        reads = [project.data_files[number]]
    elif rng.random() < 0.1:
        reads = [project.data_files[_below(rng, len(project.data_files))]]
    folder = "unit" if number % 3 else "integration"
    return Test(
        path=f"{project.folder}/tests/{folder}/test_{project.name}_{number:03d}.py",
        modules=list(chosen.values()),
        reads=reads,
        fixture=rng.random() < 0.3,
        support=rng.random() < 0.1,
        lists=rng.random() < 0.02,
        cases=1 + _below(rng, 3),
    )
