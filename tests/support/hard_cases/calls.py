"""Hard cases of code that runs when it is called: only who entered it runs."""

from __future__ import annotations

from support.hard_cases.case import Case, Group, case
from support.hard_cases.values import two

_LIB = "NAME_lib.py"
CALLS: tuple[Case, ...] = (
    case(
        "body",
        two("def f():\n    return 1\n\n\ndef g():\n    return 2\n", "lib.f() == 1", "lib.g() == 2"),
        {_LIB: ("return 1", "return 3")},
        "a",
    ),
    case(
        "property",
        two(
            "class Box:\n    @property\n    def size(self):\n        return 1\n",
            "lib.Box().size == 1",
            "lib.Box()",
        ),
        {_LIB: ("return 1", "return 2")},
        "a",
    ),
    case(
        "descriptor",
        two(
            """
            class Field:
                def __get__(self, owner, kind=None):
                    return 1


            class Box:
                size = Field()
            """,
            "lib.Box().size == 1",
            "lib.Box()",
        ),
        {_LIB: ("return 1", "return 2")},
        "a",
    ),
    case(
        "implicit_call",
        two(
            """
            class Number:
                def __init__(self, value):
                    self.value = value

                def __add__(self, other):
                    return self.value + other.value
            """,
            "lib.Number(1) + lib.Number(2) == 3",
            "lib.Number(1).value == 1",
        ),
        {_LIB: ("self.value + other.value", "self.value - other.value")},
        "a",
    ),
    case(
        "visitor",
        two(
            """
            class Visitor:
                def visit(self, value):
                    name = "visit_" + type(value).__name__
                    return getattr(self, name, self.generic)(value)

                def generic(self, value):
                    return "thing"

                def visit_int(self, value):
                    return "int"
            """,
            "lib.Visitor().visit(1) == 'int'",
            "lib.Visitor().visit('s') == 'thing'",
        ),
        {_LIB: ('return "int"', 'return "whole"')},
        "a",
    ),
    case(
        "visitor_method_added",
        two(
            """
            class Visitor:
                def visit(self, value):
                    name = "visit_" + type(value).__name__
                    return getattr(self, name, self.generic)(value)

                def generic(self, value):
                    return "thing"
            """,
            "lib.Visitor().visit(1) == 'thing'",
            "lib.Visitor().visit('s') == 'thing'",
        ),
        {
            _LIB: (
                '        return "thing"\n',
                '        return "thing"\n\n    def visit_str(self, value):\n        return "str"\n',
            )
        },
        "b",
    ),
    case(
        "nested_function",
        two(
            """
            def outer():
                def inner():
                    return 1

                return inner
            """,
            "lib.outer()() == 1",
            "callable(lib.outer())",
        ),
        {_LIB: ("return 1", "return 2")},
        "a",
    ),
    case(
        "class_in_function",
        two(
            """
            def made():
                class Inner:
                    size = 1

                return Inner


            def plain():
                return 1
            """,
            "lib.made().size == 1",
            "lib.plain() == 1",
        ),
        {_LIB: ("size = 1", "size = 2")},
        "a",
    ),
    case(
        "generator",
        two(
            "def numbers():\n    yield 1\n    yield 2\n\n\ndef plain():\n    return 1\n",
            "list(lib.numbers()) == [1, 2]",
            "lib.plain() == 1",
        ),
        {_LIB: ("yield 2", "yield 3")},
        "a",
    ),
    case(
        "coroutine",
        two(
            "async def later():\n    return 1\n\n\ndef plain():\n    return 1\n",
            "asyncio.run(lib.later()) == 1",
            "lib.plain() == 1",
            "import asyncio",
        ),
        {_LIB: ("    return 1\n\n\ndef plain", "    return 2\n\n\ndef plain")},
        "a",
    ),
    case(
        "monkeypatch",
        {
            _LIB: "def fetch():\n    return 1\n\n\ndef used():\n    return fetch()\n",
            "test_NAME.py": """
            import NAME_lib as lib


            def test_a():
                assert lib.used() == 1


            def test_b(monkeypatch):
                monkeypatch.setattr(lib, "fetch", lambda: 5)
                assert lib.used() == 5
            """,
        },
        {_LIB: ("return 1", "return 2")},
        "a",
    ),
    case(
        "filled_cache",
        {
            _LIB: """
            from functools import lru_cache


            def compute():
                return 1


            @lru_cache
            def load():
                return compute()


            def plain():
                return 1
            """,
            "test_NAME.py": """
            import NAME_lib as lib


            def test_a():
                assert lib.load() == 1


            def test_b():
                assert lib.load() == 1


            def test_c():
                assert lib.plain() == 1
            """,
        },
        {_LIB: ("    return 1\n\n\n@lru", "    return 2\n\n\n@lru")},
        "a b",
    ),
    case(
        "computed_import",
        {
            _LIB: """
            import importlib


            def load(name):
                return importlib.import_module("NAME_" + name).run()
            """,
            "NAME_one.py": "def run():\n    return 1\n",
            "NAME_two.py": "def run():\n    return 2\n",
            "test_NAME.py": """
            import NAME_lib as lib


            def test_a():
                assert lib.load("one") == 1


            def test_b():
                assert lib.load("two") == 2
            """,
        },
        {"NAME_two.py": ("return 2", "return 3")},
        "b",
    ),
    case(
        "imported_late_by_an_earlier_test",
        {
            "NAME_late.py": "RATE = 1\n",
            "test_NAME.py": """
            def test_a():
                import NAME_late

                assert NAME_late.RATE == 1


            def test_b():
                import NAME_late

                assert NAME_late.RATE == 1


            def test_c():
                assert True
            """,
        },
        {"NAME_late.py": ("RATE = 1", "RATE = 2")},
        "a b",
        Group.LATE,
    ),
    case(
        "thread",
        two(
            "FOUND = []\n\n\ndef work():\n    FOUND.append(1)\n\n\ndef plain():\n    return 1\n",
            "not run(lib.work) and lib.FOUND == [1]",
            "lib.plain() == 1",
            "import threading\n\n\ndef run(what):\n    thread = threading.Thread(target=what)\n"
            "    thread.start()\n    thread.join()\n",
        ),
        {_LIB: ("append(1)", "append(2)")},
        "a",
    ),
    case(
        "executed_file",
        two(
            "def plain():\n    return 1\n",
            "run() == 1",
            "lib.plain() == 1",
            "import pathlib\n\n\ndef run():\n"
            "    path = pathlib.Path(__file__).with_name('NAME_code.py')\n    space = {}\n"
            "    exec(compile(path.read_text(), str(path), 'exec'), space)\n"
            "    return space['f']()\n",
        )
        | {"NAME_code.py": "def f():\n    return 1\n"},
        {"NAME_code.py": ("return 1", "return 2")},
        "a",
    ),
    case(
        "run_path",
        two(
            "def plain():\n    return 1\n",
            "runpy.run_path(str(CODE))['SIZE'] == 1",
            "lib.plain() == 1",
            "import pathlib\nimport runpy\n\nCODE = pathlib.Path(__file__).with_name('NAME_code.py')",
        )
        | {"NAME_code.py": "SIZE = 1\n"},
        {"NAME_code.py": ("SIZE = 1", "SIZE = 2")},
        "a",
        Group.LATE,
    ),
    case(
        "run_module",
        two(
            "def plain():\n    return 1\n",
            "runpy.run_module('NAME_code')['f']() == 1",
            "lib.plain() == 1",
            "import runpy",
        )
        | {"NAME_code.py": "def f():\n    return 1\n"},
        {"NAME_code.py": ("return 1", "return 2")},
        "a",
    ),
    case(
        "reload",
        two(
            "def f():\n    return 1\n\n\ndef g():\n    return 2\n",
            "importlib.reload(lib).f() == 1",
            "lib.g() == 2",
            "import importlib",
        ),
        {_LIB: ("return 1", "return 3")},
        "a",
    ),
    case(
        "source_as_text",
        two(
            "def f():\n    # why\n    return 1\n\n\ndef g():\n    return 2\n",
            "'why' in inspect.getsource(lib.f)",
            "lib.g() == 2",
            "import inspect",
        ),
        {_LIB: ("# why", "# how")},
        "a",
    ),
)
