"""Which bindings another text of a module gives another value, and that none of its code is run."""

from __future__ import annotations

import itertools
import sys

import pytest
from support.valued import values_here, written

MODULE = """
    import abc, dataclasses, enum, functools, re

    LIMIT = 10
    OTHER = 3
    NESTED = {"a": [1, (2, {"b": 3.5})]}
    ORDER = {"x": 1, "y": 2}
    WORD = re.compile("[a-z]+", re.I)
    GRID = [[0], [0]]
    TWIN = COPY = []
    APART = []
    NUMBERS = {3, 1, 2}
    TREE = {"name": "root", "below": []}
    TREE["below"].append({"above": TREE, "size": 1})
    LEAF = TREE["below"][0]
    HANDLERS = {}
    ADD = lambda x: x + 1

    def register(name):
        def keep(function):
            HANDLERS[name] = function
            return function
        return keep

    def adding(number):
        def decorate(function):
            @functools.wraps(function)
            def inner(*args):
                return function(*args) + number
            return inner
        return decorate

    def plain(a, b=1, *, c=2):
        '''Words.'''
        return a + b

    plain.unit = "m"

    @register("one")
    def one():
        return 1

    @adding(3)
    def added(x):
        return x

    @functools.singledispatch
    def shown(x):
        return "?"

    @shown.register(int)
    def shown_int(x):
        return "int"

    def made(kind):
        class Local:
            value = kind
        return Local

    LOCAL = made(1)

    class Plain:
        '''A class.'''
        size = 1
        def method(self, x=1):
            return x
        @property
        def wide(self):
            return 2

    class Registry:
        known = []
        def __init_subclass__(cls):
            Registry.known.append(cls)

    class Other:
        pass

    class Member(Registry):
        pass

    @dataclasses.dataclass
    class Row:
        key: int
        value: str = "v"

    class Colour(enum.Enum):
        RED = 1
        BLUE = 2

    class Duck(abc.ABC):
        pass

    ROW = Row(1)
"""
EDITS = {
    "a comment": ("    LIMIT = 10", "    # more\n\n    LIMIT = 10  # less", set()),
    "a body": ("return a + b", "b = 7\n        return a - b", set()),
    "a method's body": ("return x\n        @prop", "return x + 1\n        @prop", set()),
    "a decorated function's body": ("def added(x):\n        return x", "def added(x):\n        return -x", set()),
    "a property's body": ("            return 2", "            return 3", set()),
    "what is attached to a function": ('unit = "m"', 'unit = "s"', {"plain.unit"}),
    "a constant": ("LIMIT = 10", "LIMIT = 11", {"LIMIT"}),
    "a constant of equal value": ("LIMIT = 10", "LIMIT = 2 * 5", set()),
    "another type of number": ("LIMIT = 10", "LIMIT = 10.0", {"LIMIT"}),
    "something deep": ("3.5", "3.25", {"NESTED"}),
    "the order of a dictionary": ('{"x": 1, "y": 2}', '{"y": 2, "x": 1}', {"ORDER"}),
    "the order of a set": ("{3, 1, 2}", "{1, 2, 3}", set()),
    "a flag": (", re.I)", ")", {"WORD"}),
    "one list twice": ("[[0], [0]]", "[[0]] * 2", {"GRID"}),
    "one name less for a list": ("TWIN = COPY = []", "TWIN, COPY = [], []", {"COPY"}),
    "an alias more": ("APART = []", "APART = TWIN", {"APART"}),
    "something in a circle": ('"size": 1', '"size": 2', {"TREE", "LEAF"}),
    "a lambda": ("x + 1\n\n    def register", "x + 2\n\n    def register", {"ADD"}),
    "a docstring": ("'''Words.'''", "'''Other words.'''", {"plain.__doc__"}),
    "a class's docstring": ("'''A class.'''", "'''The class.'''", {"Plain.__doc__"}),
    "a default": ("b=1, *", "b=5, *", {"plain"}),
    "a keyword's default": ("c=2)", "c=3)", {"plain"}),
    "a parameter's name": ("def plain(a, b=1, *, c=2)", "def plain(a, b=1, *, d=2)", {"plain"}),
    "a method's default": ("method(self, x=1)", "method(self, x=2)", {"Plain.method"}),
    "a class attribute": ("size = 1\n", "size = 2\n", {"Plain.size"}),
    "a registered name": ('@register("one")', '@register("uno")', {"HANDLERS"}),
    "a registration": ('    @register("one")\n', "", {"HANDLERS"}),
    "a decorator's argument": ("@adding(3)", "@adding(4)", {"added"}),
    "what a decorator makes": ("(*args) + number", "(*args) - number", {"added"}),
    "a decorator": ("    @adding(3)\n", "", {"added"}),
    "a dispatched type": ("shown.register(int)", "shown.register(float)", {"shown"}),
    "an argument of what makes a class": ("made(1)", "made(2)", {"LOCAL"}),
    "another base": ("class Member(Registry)", "class Member(Other)", {"Member", "Registry.known"}),
    "a subclass more": ("class Other:", "class Other(Registry):", {"Other", "Registry.known"}),
    "the order of fields": (
        'key: int\n        value: str = "v"',
        'value: str = "v"\n        key: int = 0',
        {"Row", "Row.key", "Row.__init__", "Row.__dataclass_fields__", "Row.__match_args__", "Row.__annotations__", "Row.__doc__", "Row.__eq__", "ROW", "Row.__repr__"},
    ),
    "a field's default": (
        '"v"', '"w"',
        {"Row", "Row.value", "Row.__init__", "Row.__dataclass_fields__", "Row.__doc__", "ROW"},
    ),
    "a member's value": ("BLUE = 2", "BLUE = 3", {"Colour", "Colour.BLUE"}),
    "a member more": ("BLUE = 2", "BLUE = 2\n        GREEN = 3", {"Colour", "Colour.GREEN"}),
    "a registered class": ("    ROW =", "    Duck.register(Plain)\n    ROW =", {"Duck"}),
    "an attribute of an object": ("ROW = Row(1)", "ROW = Row(2)", {"ROW"}),
}  # fmt: skip


@pytest.fixture
def look(tmp_path):
    count = itertools.count()

    def values(source):
        root = written(tmp_path / f"v{next(count)}", {"valued_module": source})
        found = values_here(root, ["valued_module"])["valued_module.py"]
        return {name: entry[:3] for name, entry in found.items()}

    return values


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_changes_the_bindings_it_gives_another_value(edit, look):
    """And no other: a body is judged by who entered it, and lines count for nothing."""
    old, new, expected = EDITS[edit]
    assert MODULE.count(old) == 1
    before, after = look(MODULE), look(MODULE.replace(old, new))
    changed = {n for n in before.keys() | after.keys() if before.get(n) != after.get(n)}
    if "field" in edit:
        assert {"Row", "Row.__dataclass_fields__"} <= changed <= expected
    else:
        assert changed == expected


HOSTILE = """
    import collections

    def refuse(*args, **kwargs):
        import sys
        names, frame = [], sys._getframe()
        while frame is not None:
            names.append(frame.f_code.co_filename)
            frame = frame.f_back
        if any("tracer/values" in name for name in names):
            print("the user's code was run")
        raise TypeError

    class Meta(type):
        __getattribute__ = __eq__ = __hash__ = __instancecheck__ = __subclasscheck__ = refuse
        __repr__ = __call__ = __iter__ = __len__ = __bool__ = __dir__ = refuse

    class Calm:
        def __new__(cls):
            return object.__new__(cls)

    class Hostile(metaclass=Meta):
        __getattr__ = __getattribute__ = __eq__ = __hash__ = __repr__ = __str__ = refuse
        __len__ = __bool__ = __iter__ = __reduce__ = __reduce_ex__ = __getstate__ = refuse
        __sizeof__ = __dir__ = __format__ = __contains__ = __getitem__ = refuse
        __class__ = property(refuse)
        asked = property(refuse)

    class Descriptor:
        __get__ = __set__ = __delete__ = refuse

    class Owner:
        asked = Descriptor()
        __slots__ = ("held",)

    class Rows(list):
        __iter__ = __len__ = __getitem__ = __eq__ = __repr__ = __reduce_ex__ = __bool__ = refuse

    class Table(dict):
        __iter__ = __len__ = __getitem__ = items = keys = __eq__ = __missing__ = refuse

    class Ordered(collections.OrderedDict):
        __iter__ = __len__ = __getitem__ = items = keys = __eq__ = refuse

    class Number(int):
        __index__ = __int__ = __eq__ = __hash__ = __repr__ = __str__ = refuse

    class Text(str):
        __str__ = __eq__ = __hash__ = __repr__ = __iter__ = __len__ = refuse

    HOSTILE = object.__new__(Hostile)
    object.__setattr__(HOSTILE, "inside", [1])
    OWNER = Owner()
    OWNER.held = HOSTILE
    ROWS = Rows([1, HOSTILE])
    TABLE = Table(a=HOSTILE)
    ORDERED = Ordered(a=1)
    NUMBER, TEXT = Number(5), Text("five")
    GROUPS = collections.defaultdict(refuse, a=HOSTILE)
    ALL = [HOSTILE, OWNER, ROWS, TABLE, NUMBER, TEXT]
    def __getattr__(name):
        refuse()
"""


def test_no_code_of_the_users_is_run_and_all_is_told(look, capsys):
    """Not by look-up, comparison, hashing, length, iteration, printing or pickling."""
    found = look(HOSTILE)
    assert not capsys.readouterr().out
    assert {name: entry[1] for name, entry in found.items() if ":" in entry[1]} == {}
    edited = look(HOSTILE.replace('"inside", [1]', '"inside", [2]'))
    changed = {name for name in found if found[name] != edited[name]}
    assert changed == {"HOSTILE", "OWNER", "ROWS", "TABLE", "GROUPS", "ALL"}


TROUBLE = """
    import array, ctypes, io, itertools, random
    CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 1)
    ROW = array.array("i", [1, 2])
    FILE = io.StringIO()
    NEXT = iter([1])
    MADE = (n for n in ())
    COUNT = itertools.count()
    DICE = random.Random(1)
    FROM = random.choice
    WHERE = repr(object())
    DEEP = []
    for _ in range(100):
        DEEP = [DEEP]
    MANY = [[[n]] for n in range(15000)]
    FINE = 1
"""


@pytest.mark.skipif(sys.version_info < (3, 12), reason="values are asked for from 3.12 on")
def test_what_cannot_be_told_says_why(look):
    """And spoils nothing beside it."""
    found = look(TROUBLE)
    assert {name: entry[1] for name, entry in found.items() if ":" in entry[1]} == {
        "CALLBACK": "opaque:_ctypes.CFuncPtr",
        "FILE": "opaque:iterator",
        "NEXT": "opaque:iterator",
        "MADE": "opaque:iterator",
        "COUNT": "opaque:iterator",
        "DICE": "opaque:random.Random",
        "WHERE": "opaque:address",
        "DEEP": "opaque:depth",
        "MANY": "opaque:size",
    }
    assert found["FINE"][1] == "plain"
