"""What collected tests are given: parameters, marks, fixtures, their function, a doctest's text."""

from __future__ import annotations

import contextlib
import io
import sys

import pytest
from support.valued import written

from affected.tracer import values

TESTS = """
    import pytest, unittest

    pytestmark = [pytest.mark.filterwarnings("default")]
    CASES = [(1, "a"), (2, {"deep": [1.5]})]

    @pytest.fixture(params=["x", "y"])
    def letter(request):
        return request.param

    @pytest.fixture
    def shared(tmp_path):
        return 1

    class Stranger:
        def __init__(self, name):
            self.name = name
        def __repr__(self):
            raise AssertionError("asked")
        __eq__ = __hash__ = __bool__ = __repr__
        def __getattr__(self, name):
            raise AttributeError(name)

    @pytest.mark.parametrize("number, thing", CASES)
    def test_cases(number, thing):
        assert number

    @pytest.mark.parametrize("thing", [Stranger("s")], ids=["s"])
    def test_stranger(thing):
        pass

    @pytest.mark.parametrize("thing", [iter([1])], ids=["i"])
    def test_iterator(thing):
        pass

    def test_letter(letter): ...

    def test_shared(shared): ...

    @pytest.mark.usefixtures("shared")
    class TestGroup:
        def test_inside(self, top): ...

    class TestOld(unittest.TestCase):
        made = 0
        def __init__(self, name):
            type(self).made += 1
            super().__init__(name)
        def test_old(self): ...

    def doubled(x):
        '''
        >>> doubled(2)
        4
        '''
        return 2 * x
"""
CONFTEST = """
    import pytest

    @pytest.fixture
    def top(low): ...

    @pytest.fixture
    def low(): ...
"""


EVERY = object()
EDITS = {
    "the module's marks": ('"default"', '"ignore"', EVERY),
    "a parameter": ('{"deep": [1.5]}', '{"deep": [1.25]}', {"test_cases[2-thing1]"}),
    "a case more": ("CASES = [", 'CASES = [(0, "z"), ', {"test_cases[0-z]", "test_cases[2-thing2]"}),
    "an object's attribute": ('Stranger("s")', 'Stranger("t")', {"test_stranger[s]"}),
    "a fixture's scope": (
        "@pytest.fixture\n    def shared(tmp_path)",
        "@pytest.fixture(scope='module')\n    def shared()",
        {"test_shared", "TestGroup::test_inside"},
    ),
    "a fixture's parameter": ('["x", "y"]', '["x", "z"]', {"test_letter[z]"}),
    "a mark": (
        "def test_letter",
        "@pytest.mark.skipif(False, reason='r')\n    def test_letter",
        {"test_letter[x]", "test_letter[y]"},
    ),
    "a class's mark": (
        'usefixtures("shared")', 'usefixtures("letter")',
        {"TestGroup::test_inside[x]", "TestGroup::test_inside[y]"},
    ),
    "a body": ("        assert number", "        assert number > 0", set()),
    "a doctest": ("        4\n", "        5\n", {"doubled"}),
    "an override": (
        "    class TestGroup:",
        "    class TestGroup:\n        @pytest.fixture\n        def low(self): ...",
        {"TestGroup::test_inside"},
    ),
}  # fmt: skip


class Taker:
    """A plugin that takes the items' values after collection, version by version."""

    def __init__(self, root):
        self.root = root
        self.found = {}
        self.instances_made = 0

    def pytest_collection_finish(self, session):
        for folder in self.root.iterdir():
            items = [item for item in session.items if folder in item.path.parents]
            old = next(item.parent.obj for item in items if item.parent.name == "TestOld")
            made = old.made
            self.found[folder.name] = self.taken(f"{folder}/", items)
            self.instances_made += old.made - made

    @staticmethod
    def taken(root, items):
        def locate(name):
            return name[len(root) :] if name.startswith(root) else None

        loaded = [
            (locate(file), module)
            for module in list(sys.modules.values())
            if isinstance(file := getattr(module, "__file__", None), str) and locate(file)
        ]
        assert len(loaded) == 2

        def name_of(item):
            return item.nodeid.partition("::")[2].rpartition("test_it.")[2]

        return values.item_values(items, name_of, locate, loaded, (root,))


@pytest.fixture(scope="module")
def taken(tmp_path_factory):
    """The values of the items of every version, collected at once."""
    root = tmp_path_factory.mktemp("items") / "versions"
    sources = {"first": TESTS, "moved": "\n    # moved\n" + TESTS}
    for name, (old, new, _) in EDITS.items():
        assert old in TESTS
        sources[name] = TESTS.replace(old, new, 1)
    for name, source in sources.items():
        written(root / name.replace(" ", "-"), {"conftest": CONFTEST, "test_it": source})
    taker = Taker(root)
    before = dict(sys.modules)
    options = ["--collect-only", "-q", "--doctest-modules", "-p", "no:cacheprovider"]
    place = [f"--rootdir={root}", "-c", "/dev/null", "--import-mode=importlib", str(root)]
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as told:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        patch.setattr(sys, "dont_write_bytecode", True)
        status = pytest.main([*options, *place], plugins=[taker])
    for name in set(sys.modules) - set(before):
        del sys.modules[name]
    assert status == 0, told.getvalue()
    return taker


def test_items_are_told_apart_and_are_the_same_the_next_time(taken):
    """Every item has a fingerprint; only what cannot be told says so."""
    one, two = taken.found["first"], taken.found["moved"]
    assert one == two
    assert [name for name, value in one.items() if "?" in value] == ["test_iterator[i]"]
    assert len(one) == len(set(one.values())) == 10


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_changes_the_items_that_are_given_something_else(edit, taken):
    """And no other item."""
    before, after = taken.found["first"], taken.found[edit.replace(" ", "-")]
    expected = EDITS[edit][2]
    assert {name for name, value in after.items() if before.get(name) != value} == (
        set(before) if expected is EVERY else expected
    )


def test_no_instance_of_a_test_class_is_made(taken):
    """Looking at items runs nothing of the user's."""
    assert taken.instances_made == 0
