"""Values after import: equal where nothing changed, different where something did."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.valued import values_here, values_there, written

FIRST = """
    '''The module.'''
    import abc, collections, enum, functools, logging, os, pathlib, re, threading, uuid
    import datetime, decimal, fractions, operator, contextvars, typing, weakref, types

    HERE = os.path.dirname(os.path.abspath(__file__))
    FOLDER = pathlib.Path(HERE) / "stuff"
    TAGS = {"a", "b", "c", "dd", "ee"}
    MIXED = frozenset({1, "x", (2, "y"), None})
    TABLE = {"one": [1, 2.5, -0.0, float("nan")], "two": (b"x", None, ..., 3j)}
    ORDERED = collections.OrderedDict(a=1, b=2)
    COUNTS = collections.Counter("hello")
    GROUPS = collections.defaultdict(list, a=[1])
    QUEUE = collections.deque([1, 2], maxlen=3)
    CHAIN = collections.ChainMap({"a": 1}, {"b": 2})
    Point = collections.namedtuple("Point", "x y", defaults=[0])
    ORIGIN = Point(0, 0)
    WORD = re.compile("[a-z]+", re.I)
    LOCK, LOG = threading.Lock(), logging.getLogger("first")
    EVENT = threading.Event()
    WHEN, HOW_LONG = datetime.datetime(2020, 1, 2), datetime.timedelta(3)
    ZONE = datetime.timezone(datetime.timedelta(hours=1))
    MONEY, PART = decimal.Decimal("1.10"), fractions.Fraction(1, 3)
    NAME = uuid.UUID(int=5)
    PICK = operator.itemgetter(1, 2)
    CALL = functools.partial(int, base=2)
    CURRENT = contextvars.ContextVar("current", default=7)
    KIND = typing.Dict[str, typing.Optional[int]]
    SPACE = types.SimpleNamespace(a=1)
    PROXY = types.MappingProxyType({"a": 1})
    SELF = []
    SELF.append({"me": SELF})
    PARENT = {"children": []}
    PARENT["children"].append({"parent": PARENT})
    SQUARE = lambda x, y=2: x ** y
    ENVIRON = os.environ

    def plain(a, b=1, *args, c: int = 2, **rest) -> "str":
        '''What it does.'''
        return a + b

    def decorate(number):
        def wrap(function):
            @functools.wraps(function)
            def inner(*args):
                return function(*args) + number
            return inner
        return wrap

    @decorate(3)
    def decorated(x):
        return x

    @functools.lru_cache(maxsize=8)
    def cached(x):
        return x

    @functools.singledispatch
    def shown(x):
        return "?"

    @shown.register(int)
    def _(x):
        return "int"

    class Colour(enum.Enum):
        RED = 1
        GREEN = "g"

    class Bits(enum.Flag):
        A = 1
        B = 2
        AB = A | B

    class Shape(abc.ABC):
        '''A shape.'''
        registry = []
        limit = 10
        def __init_subclass__(cls, **kwargs):
            Shape.registry.append(cls)
        @abc.abstractmethod
        def area(self, scale=1): ...
        @property
        def size(self):
            return self.area()
        @staticmethod
        def still(x=1): ...
        @classmethod
        def made(cls, y=2): ...
        class Inner:
            depth = 1

    class Circle(Shape):
        __slots__ = ("radius",)
        def __init__(self, radius):
            self.radius = radius
        def area(self, scale=1):
            return 3 * self.radius

    ROUND = Circle(2)
"""
SECOND = """
    from dataclasses import dataclass, field
    import first
    from first import Colour, plain, TABLE

    @dataclass
    class Row:
        key: int
        value: str = "v"
        more: list = field(default_factory=list)

    ROWS = [Row(1), Row(2, "w", [Colour.RED])]
    CALLS = {"plain": plain, "inner": first.Shape.made}
    LAZY = (n for n in TABLE)
"""
STEMS = ["first", "second"]


def versions():
    """Interpreters to try; the one that runs this is always there."""
    kept = Path("~/.pyenv/versions").expanduser()
    wanted = ("3.9", "3.11", "3.12", "3.13")
    return [sys.executable, *(str(p) for v in wanted for p in kept.glob(f"{v}.*/bin/python"))]


def told(found):
    """(file, binding) → entry without its line."""
    return {(p, name): e[:3] for p, names in found.items() for name, e in names.items()}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return written(tmp_path_factory.mktemp("one") / "work", {"first": FIRST, "second": SECOND})


@pytest.mark.parametrize("python", versions())
def test_values_are_the_same_in_another_process_folder_hash_order_and_layout(
    python, place, tmp_path
):
    """No address, path, hash seed, import order, comment or line number is in a fingerprint."""
    spread = FIRST.replace("\n\n", "\n\n    # a comment\n\n\n")
    other = written(tmp_path / "other" / "deep", {"first": "\n    #\n" + spread, "second": SECOND})
    one = values_there(python, place, STEMS, seed="1")
    two = values_there(python, other, STEMS[::-1], seed="77")
    assert told(one) == told(two)
    opaque = {name for names in one.values() for name, e in names.items() if e[1][:6] == "opaque"}
    assert opaque == {"LAZY"}


def test_entries_tell_the_kind_the_references_and_the_first_line_of_a_definition(place):
    """A function's entry has its line; what a value holds by identity is named."""
    found = values_here(place, STEMS)
    first, second = found["first.py"], found["second.py"]
    assert first["plain"][1:] == ["function", ["first.py:plain"][:0], first["plain"][3]]
    assert first["Shape.still"][1] == "function"
    assert first["Shape"][1] == "class"
    assert first["re"] == [first["re"][0], "module", []]
    assert second["first"][1:] == ["module", ["first.py"]]
    assert second["plain"][1:] == ["plain", ["first.py:plain"]]
    assert second["CALLS"][2] == ["first.py:Shape", "first.py:Shape.made", "first.py:plain"]
    assert first["Shape.registry"][2] == ["first.py:Circle"]
    assert first["decorated"][2] == ["first.py:decorated"]
    assert first["plain.__doc__"][1] == first["Shape.__doc__"][1] == first["__doc__"][1] == "doc"
    assert second["LAZY"][1].startswith("opaque:")
