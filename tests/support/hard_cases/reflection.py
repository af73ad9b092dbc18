"""Hard cases of values that are reached without their name being said, and of state set at import."""

from __future__ import annotations

from support.hard_cases.case import Case, Group, case
from support.hard_cases.values import two

_LIB = "NAME_lib.py"
_PLAIN = "\n\ndef plain():\n    return 1\n"


def _reached(name: str, module: str, asked: str, old: str, new: str, head: str = "") -> Case:
    """A module whose edit changes what `asked` is; the other test calls something else."""
    files = two(module + _PLAIN, asked, "lib.plain() == 1", head)
    return case(name, files, {_LIB: (old, new)}, "a")


_BOX = "class Box:\n    size = 1\n"
REFLECTION: tuple[Case, ...] = (
    _reached(
        "attribute_by_computed_name",
        _BOX,
        "getattr(lib.Box(), 'si' + 'ze') == 1",
        "size = 1",
        "size = 2",
    ),
    _reached(
        "attribute_by_getter",
        "import operator\n\n\n"
        + _BOX
        + "\n\nGET = operator.attrgetter('size')\n\n\ndef got():\n    return GET(Box())\n",
        "lib.got() == 1",
        "size = 1",
        "size = 2",
    ),
    _reached(
        "attribute_by_format",
        _BOX + "\n\ndef shown():\n    return '{0.size}'.format(Box())\n",
        "lib.shown() == '1'",
        "size = 1",
        "size = 2",
    ),
    _reached(
        "name_in_globals",
        "RATE = 1\n\n\ndef got():\n    return globals()['RA' + 'TE']\n",
        "lib.got() == 1",
        "RATE = 1",
        "RATE = 2",
    ),
    _reached(
        "names_by_dir",
        "CHECK_ONE = 1\n",
        "[n for n in dir(lib) if n.startswith('CHECK')] == ['CHECK_ONE']",
        "CHECK_ONE = 1\n",
        "CHECK_ONE = 1\nCHECK_TWO = 2\n",
    ),
    _reached(
        "members_by_inspect",
        "class One:\n    pass\n",
        "len(inspect.getmembers(lib, inspect.isclass)) == 1",
        "class One:\n    pass\n",
        "class One:\n    pass\n\n\nclass Two:\n    pass\n",
        "import inspect",
    ),
    _reached(
        "names_by_vars",
        "class Box:\n    one = 1\n",
        "[n for n in vars(lib.Box) if n[0] != '_'] == ['one']",
        "one = 1",
        "one = 1\n    two = 2",
    ),
    _reached(
        "subclasses",
        "class Parent:\n    pass\n\n\nclass One(Parent):\n    pass\n",
        "len(lib.Parent.__subclasses__()) == 1",
        "class One(Parent):\n    pass\n",
        "class One(Parent):\n    pass\n\n\nclass Two(Parent):\n    pass\n",
    ),
    _reached(
        "enum_that_is_walked",
        "from enum import Enum\n\n\nclass Colour(Enum):\n    RED = 1\n",
        "len(list(lib.Colour)) == 1",
        "RED = 1",
        "RED = 1\n    BLUE = 2",
    ),
    _reached(
        "enum_by_value",
        "from enum import Enum\n\n\nclass Colour(Enum):\n    RED = 1\n",
        "lib.Colour(1)",
        "RED = 1",
        "RED = 2",
    ),
    _reached(
        "abstract_method_added",
        "import abc\n\n\nclass Shape(abc.ABC):\n    pass\n",
        "lib.Shape()",
        "    pass",
        "    @abc.abstractmethod\n    def area(self):\n        return 1",
    ),
    _reached(
        "named_tuple_defaults",
        "from collections import namedtuple\n\nPair = namedtuple('Pair', 'x y', defaults=(1, 2))\n",
        "lib.Pair().y == 2",
        "(1, 2)",
        "(1, 3)",
    ),
    _reached(
        "partial_function",
        "import functools\n\n\ndef add(x, y):\n    return x + y\n\n\n"
        "ADD = functools.partial(add, 1)\n",
        "lib.ADD(2) == 3",
        "(add, 1)",
        "(add, 5)",
    ),
    _reached(
        "pattern",
        "import re\n\nWORD = re.compile('a+')\n\n\ndef found(text):\n    return WORD.match(text)\n",
        "lib.found('aa')",
        "'a+'",
        "'b+'",
    ),
    _reached(
        "closure_cell",
        "def make(n):\n    def inner():\n        return n\n\n    return inner\n\n\nGIVE = make(2)\n",
        "lib.GIVE() == 2",
        "make(2)",
        "make(3)",
    ),
    _reached(
        "list_changed_in_place",
        "ITEMS = []\nITEMS.append(1)\n\n\ndef first():\n    return ITEMS[0]\n",
        "lib.first() == 1",
        "append(1)",
        "append(2)",
    ),
    _reached(
        "class_made_by_a_call",
        "Box = type('Box', (), {'size': 1})\n\n\ndef got():\n    return Box().size\n",
        "lib.got() == 1",
        "'size': 1",
        "'size': 2",
    ),
    _reached(
        "instance_made_at_import",
        "class Box:\n    def __init__(self, size):\n        self.size = size\n\n\nBOX = Box(1)\n\n\n"
        "def got():\n    return BOX.size\n",
        "lib.got() == 1",
        "= size\n",
        "= size + 1\n",
    ),
    _reached(
        "executed_at_import",
        "exec('RATE = 1')\n\n\ndef got():\n    return RATE\n",
        "lib.got() == 1",
        "RATE = 1'",
        "RATE = 2'",
    ),
    _reached(
        "type_hints",
        "def f(x: int):\n    return x\n",
        "typing.get_type_hints(lib.f)['x'] is int",
        "x: int",
        "x: str",
        "import typing",
    ),
    _reached(
        "builtin_shadowed",
        "def size(items):\n    return len(items)\n",
        "lib.size([1]) == 1",
        "def size",
        "def len(items):\n    return 7\n\n\ndef size",
    ),
    _reached(
        "definition_by_condition",
        "FLAG = True\nif FLAG:\n\n    def got():\n        return 1\nelse:\n\n    def got():\n"
        "        return 2\n",
        "lib.got() == 1",
        "FLAG = True",
        "FLAG = False",
    ),
    _reached(
        "decorator_body",
        "def deco(function):\n    function.tag = 1\n    return function\n\n\n@deco\ndef f():\n"
        "    return 1\n",
        "lib.f.tag == 1",
        "tag = 1",
        "tag = 2",
    ),
    _reached(
        "set_name",
        "class Field:\n    def __set_name__(self, owner, name):\n        self.name = name\n\n\n"
        "class Box:\n    size = Field()\n",
        "lib.Box.size.name == 'size'",
        "self.name = name",
        "self.name = name + '_'",
    ),
    _reached(
        "environment_set_at_import",
        "import os\n\nos.environ['NAME'] = '1'\n\n\ndef got():\n    return os.environ['NAME']\n",
        "lib.got() == '1'",
        "= '1'",
        "= '2'",
    ),
    _reached(
        "state_of_the_standard_library",
        "import decimal\n\ndecimal.DefaultContext.prec = 28\ndecimal.DefaultContext.Emax = 99\n\n\n"
        "def got():\n    return decimal.Context().Emax\n",
        "lib.got() == 99",
        "Emax = 99",
        "Emax = 98",
    ),
    _reached(
        "module_replaced_by_an_object",
        "import sys\n\n\nclass Box:\n    size = 1\n\n    @staticmethod\n    def plain():\n"
        "        return 1\n\n\nsys.modules[__name__] = Box()\n",
        "lib.size == 1",
        "size = 1",
        "size = 2",
    ),
    case(
        "called_at_import_of_another_module",
        two(
            "import NAME_tools\n\nTABLE = NAME_tools.build()\n" + _PLAIN,
            "lib.TABLE == 1",
            "lib.plain()",
        )
        | {"NAME_tools.py": "def build():\n    return 1\n"},
        {"NAME_tools.py": ("return 1", "return 2")},
        "a",
    ),
    case(
        "registry_of_another_module",
        two(
            "import NAME_items\nimport NAME_more\n\n\ndef first():\n    return NAME_items.ITEMS[0]\n"
            + _PLAIN,
            "lib.first() == 'x'",
            "lib.plain() == 1",
        )
        | {
            "NAME_items.py": "ITEMS = []\n",
            "NAME_more.py": "import NAME_items\n\nNAME_items.ITEMS.append('x')\n",
        },
        {"NAME_more.py": ("append('x')", "append('y')")},
        "a",
    ),
    case(
        "star_import_shadows_a_builtin",
        two(
            "from NAME_inner import *\n\n\ndef size(items):\n    return len(items)\n" + _PLAIN,
            "lib.size([1]) == 1",
            "lib.plain() == 1",
        )
        | {"NAME_inner.py": "X = 1\n"},
        {"NAME_inner.py": ("X = 1", "X = 1\n\n\ndef len(items):\n    return 7")},
        "a",
    ),
    case(
        "attribute_of_a_test_class",
        {
            "test_NAME.py": "class TestIt:\n    value = 1\n\n    def test_a(self):\n"
            "        assert self.value == 1\n\n    def test_b(self):\n        assert True\n"
        },
        {"test_NAME.py": ("value = 1", "value = 2")},
        "test_NAME.py::TestIt::test_a",
    ),
    case(
        "fixture_made_automatic",
        {
            "test_NAME.py": "import pytest\n\n\n@pytest.fixture()\ndef broken():\n"
            "    raise ValueError\n\n\ndef test_a():\n    assert True\n\n\ndef test_b():\n"
            "    assert True\n"
        },
        {"test_NAME.py": ("fixture()", "fixture(autouse=True)")},
        "a b",
    ),
    case(
        "hook_that_runs_with_each_test",
        {
            "conftest.py": "def pytest_runtest_setup(item):\n    assert item\n",
            "test_NAME.py": "def test_a():\n    assert True\n\n\ndef test_b():\n    assert True\n",
        },
        {"conftest.py": ("assert item", "assert not item")},
        "a b",
    ),
    case(
        "hook_that_runs_at_the_start",
        {
            "conftest.py": "def pytest_configure(config):\n    config.NAME_value = 1\n",
            "test_NAME.py": "def test_a(request):\n    assert request.config.NAME_value == 1\n\n\n"
            "def test_b():\n    assert True\n",
        },
        {"conftest.py": ("value = 1", "value = 2")},
        "a b",
        Group.ROOT,
    ),
)
