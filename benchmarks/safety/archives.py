"""The projects that edits are made in: which part of each is tested, and which part is edited.

Unaware of edits. What is left out is removed from the checkout before it is committed, so that no
tool needs to be told. The five `core` projects are those whose selected share is compared with that
of others; the rest is there because it is awkward, and says how.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.projects import Archive


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject(Archive):
    """A project, the part of its tests that runs, and the part of its files that is edited."""

    sources: tuple[str, ...]  # folders or files of code under test, from the root
    tests: tuple[str, ...]  # folders or files that pytest collects
    core: bool = False
    awkward: str = ""  # what makes selection hard here
    data: tuple[str, ...] = ()  # more folders of data files than those of tests and sources
    distribution: str = ""  # an installed one that the sources or tests import
    removed: tuple[str, ...] = ()  # pathspecs of what is left out, so that a run takes seconds
    slow: tuple[tuple[str, str], ...] = ()  # file and name of tests that are no tests any more


_ALL = (
    Subject(
        name="click",
        version="8.4.2",
        requirements=("pytest<9",),
        sources=("src/click",),
        tests=("tests",),
        core=True,
        awkward="child processes",
    ),
    Subject(
        name="jinja2",
        version="3.1.6",
        requirements=("trio",),
        sources=("src/jinja2",),
        tests=("tests",),
        core=True,
        awkward="templates compiled at run time",
        distribution="markupsafe",
    ),
    Subject(
        name="pygments",
        version="2.20.0",
        requirements=("wcag-contrast-ratio", "lxml"),
        removed=("tests/snippets", "tests/examplefiles"),
        slow=(("tests/test_rtf_formatter.py", "test_all_options"),),
        sources=("pygments",),
        tests=("tests",),
        core=True,
        awkward="lexers imported by computed names",
    ),
    Subject(
        name="tomlkit",
        version="0.15.2",
        requirements=("pyyaml",),
        sources=("tomlkit",),
        tests=("tests",),
        core=True,
        awkward="tests made of data files",
        distribution="pyyaml",
    ),
    Subject(
        name="werkzeug",
        version="3.1.9",
        requirements=(
            "pytest-timeout",
            "pytest-xprocess",
            "ephemeral-port-reserve",
            "cryptography",
        ),
        removed=("tests/test_serving.py", "tests/middleware/test_http_proxy.py"),
        slow=(
            ("tests/test_routing.py", "test_long_build"),
            ("tests/test_security.py", "test_pbkdf2"),
        ),
        sources=("src/werkzeug",),
        tests=("tests",),
        core=True,
        distribution="markupsafe",
    ),
    Subject(
        name="marshmallow",
        version="4.4.0",
        requirements=("simplejson",),
        sources=("src/marshmallow",),
        tests=("tests",),
        awkward="a class registry and metaclasses",
        distribution="simplejson",
    ),
    Subject(
        name="flask",
        version="3.1.3",
        requirements=("python-dotenv", "asgiref", "pytest<9"),
        sources=("src/flask",),
        tests=("tests",),
        awkward="modules and packages made while tests run; templates",
        distribution="itsdangerous",
    ),
    Subject(
        name="mistune",
        version="3.4.0",
        requirements=(),
        sources=("src/mistune",),
        tests=("tests",),
        awkward="tests made of data files; plugins imported by computed names",
    ),
    Subject(
        name="networkx",
        version="3.7",
        requirements=(),
        sources=("networkx/algorithms/operators", "networkx/classes", "networkx/convert.py"),
        tests=("networkx/algorithms/operators", "networkx/classes"),
        removed=(
            "*/tests/*",
            "networkx/tests",
            ":!networkx/classes/tests",
            ":!networkx/algorithms/operators/tests",
        ),
        awkward="everything imports everything; dispatch by entry points",
    ),
    Subject(
        name="babel",
        version="2.18.0",
        requirements=("freezegun", "tzdata"),
        sources=("babel",),
        tests=("tests",),
        removed=("tests/messages/test_frontend.py", "tests/messages/frontend"),
        awkward="pickled locale files; a conftest with a collector of its own",
        distribution="freezegun",
    ),
    Subject(
        name="sympy",
        version="1.14.0",
        requirements=(),
        sources=("sympy/logic", "sympy/sets", "sympy/core"),
        tests=("sympy/logic/tests", "sympy/sets/tests"),
        removed=("sympy/*/tests/*", ":!sympy/logic/tests", ":!sympy/sets/tests"),
        awkward="caches that fill while tests run; printers that look methods up by name",
        distribution="mpmath",
    ),
    Subject(
        name="attrs",
        version="26.1.0",
        requirements=("hypothesis", "cloudpickle", "pympler"),
        sources=("src/attr",),
        tests=("tests",),
        removed=(
            "tests/test_*.py",
            "tests/dataclass_transform_example.py",
            ":!tests/test_funcs.py",
            ":!tests/test_next_gen.py",
            ":!tests/test_slots.py",
        ),
        awkward="methods compiled at run time",
        distribution="cloudpickle",
    ),
)
SUBJECTS = {subject.name: subject for subject in _ALL}
