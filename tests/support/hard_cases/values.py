"""Hard cases of code that runs at import: only who is reached by a changed value runs."""

from __future__ import annotations

from support.hard_cases.case import Case, case


def two(module: str, first: str, second: str, head: str = "") -> dict[str, str]:
    """A module, and a test file with test_a and test_b on it."""
    test = (
        f"import NAME_lib as lib\n{head}\n\ndef test_a():\n    assert {first}\n\n\n"
        f"def test_b():\n    assert {second}\n"
    )
    return {"NAME_lib.py": module, "test_NAME.py": test}


_LIB = "NAME_lib.py"
VALUES: tuple[Case, ...] = (
    case(
        "module_constant",
        two(
            """
            RATE = 2
            OTHER = 3


            def rated():
                return RATE


            def other():
                return OTHER
            """,
            "lib.rated() == 2",
            "lib.other() == 3",
        ),
        {_LIB: ("RATE = 2", "RATE = 5")},
        "a",
    ),
    case(
        "constant_of_a_module_that_two_files_load",
        {
            **two(
                "RATE = 2\n\n\ndef f():\n    return RATE\n\n\ndef g():\n    return 3\n",
                "lib.f() == 2",
                "lib.g() == 3",
            ),
            "test_NAME_too.py": "import NAME_lib as lib\n\n\ndef test_c():\n    assert lib.g()\n",
        },
        {_LIB: ("RATE = 2", "RATE = 5")},
        "a",
    ),
    case(
        "constant_that_nobody_uses",
        two("UNUSED = 1\n\n\ndef f():\n    return 1\n", "lib.f()", "lib.f()"),
        {_LIB: ("UNUSED = 1", "UNUSED = 2")},
        "",
    ),
    case(
        "constant_with_the_same_value",
        two("LIMIT = 4\n\n\ndef f():\n    return LIMIT\n", "lib.f() == 4", "lib.LIMIT"),
        {_LIB: ("LIMIT = 4", "LIMIT = 2 + 2")},
        "",
    ),
    case(
        "default_argument",
        two(
            "def f(x=1):\n    return x\n\n\ndef g():\n    return 1\n",
            "lib.f() == 1",
            "lib.g() == 1",
        ),
        {_LIB: ("x=1", "x=2")},
        "a",
    ),
    case(
        "decorator_that_registers",
        two(
            """
            KNOWN = {}


            def register(function):
                KNOWN[function.__name__] = function
                return function


            @register
            def one():
                return 1


            def plain():
                return 2
            """,
            "'one' in lib.KNOWN",
            "lib.plain() == 2",
        ),
        {_LIB: ("@register\n", "")},
        "a",
    ),
    case(
        "called_only_at_import",
        two(
            """
            def build():
                return [1, 2]


            TABLE = build()


            def size():
                return len(TABLE)


            def plain():
                return 1
            """,
            "lib.size() == 2",
            "lib.plain() == 1",
        ),
        {_LIB: ("[1, 2]", "[1, 2, 3]")},
        "a",
    ),
    case(
        "called_only_at_import_same_result",
        two(
            "def build():\n    return [1, 2]\n\n\nTABLE = build()\n",
            "lib.TABLE == [1, 2]",
            "lib.TABLE",
        ),
        {_LIB: ("return [1, 2]", "return list((1, 2))")},
        "",
    ),
    case(
        "star_import",
        two("from NAME_inner import *\n", "lib.X == 1", "lib.Y == 2")
        | {"NAME_inner.py": "X = 1\nY = 2\n"},
        {"NAME_inner.py": ("X = 1", "X = 3")},
        "a",
    ),
    case(
        "re_export",
        two("from NAME_pkg import shown, other\n", "lib.shown() == 1", "lib.other() == 2")
        | {
            "NAME_pkg/__init__.py": "from NAME_pkg.impl import other, shown\n",
            "NAME_pkg/impl.py": "def shown():\n    return 1\n\n\ndef other():\n    return 2\n",
        },
        {"NAME_pkg/impl.py": ("return 1", "return 5")},
        "a",
    ),
    case(
        "relative_import",
        two("from NAME_pkg.sub.leaf import leaf\n", "lib.leaf() == 1", "lib")
        | {
            "NAME_pkg/__init__.py": "",
            "NAME_pkg/root.py": "def root():\n    return 1\n",
            "NAME_pkg/sub/__init__.py": "",
            "NAME_pkg/sub/leaf.py": "from ..root import root\n\n\ndef leaf():\n    return root()\n",
        },
        {"NAME_pkg/root.py": ("return 1", "return 5")},
        "a",
    ),
    case(
        "singledispatch_body",
        two(
            """
            from functools import singledispatch


            @singledispatch
            def show(value):
                return "thing"


            @show.register(int)
            def show_int(value):
                return "int"
            """,
            "lib.show(1) == 'int'",
            "lib.show('s') == 'thing'",
        ),
        {_LIB: ('return "int"', 'return "whole"')},
        "a",
    ),
    case(
        "singledispatch_registration",
        two(
            """
            from functools import singledispatch


            @singledispatch
            def show(value):
                return "thing"


            @show.register(int)
            def show_int(value):
                return "int"


            def plain():
                return 1
            """,
            "lib.show(1) == 'int'",
            "lib.plain() == 1",
        ),
        {_LIB: ("register(int)", "register(float)")},
        "a",
    ),
    case(
        "docstring",
        two(
            'def f():\n    """One."""\n    return 1\n\n\ndef g():\n    return 2\n',
            "lib.f.__doc__ == 'One.'",
            "lib.g() == 2",
        ),
        {_LIB: ("One.", "Two.")},
        "a",
    ),
    case(
        "docstring_that_nobody_reads",
        two('def f():\n    """One."""\n    return 1\n', "lib.f() == 1", "lib.f()"),
        {_LIB: ("One.", "Two.")},
        "",
    ),
    case(
        "comment",
        two("def f():\n    return 1\n", "lib.f() == 1", "lib.f()"),
        {_LIB: ("    return 1", "    # why\n\n    return 1")},
        "",
    ),
    case(
        "added_function",
        two("def f():\n    return 1\n", "lib.f() == 1", "lib.f()"),
        {_LIB: ("    return 1\n", "    return 1\n\n\ndef g():\n    return 2\n")},
        "",
    ),
    case(
        "added_import",
        two("def f():\n    return 1\n", "lib.f() == 1", "lib.f()"),
        {_LIB: ("def f", "import colorsys\n\n\ndef f")},
        "",
    ),
    case(
        "patched_at_import",
        two(
            """
            import NAME_parts
            import NAME_patch


            def used():
                return NAME_parts.rate()


            def plain():
                return 1
            """,
            "lib.used() == 9",
            "lib.plain() == 1",
        )
        | {
            "NAME_parts.py": "def rate():\n    return 1\n",
            "NAME_patch.py": "import NAME_parts\n\nNAME_parts.rate = lambda: 9\n",
        },
        {"NAME_patch.py": ("lambda: 9", "lambda: 8")},
        "a",
    ),
    case(
        "module_getattr",
        two(
            """
            def __getattr__(name):
                if name.startswith("_"):
                    raise AttributeError(name)
                return name.upper()


            def plain():
                return 1
            """,
            "lib.word == 'WORD'",
            "lib.plain() == 1",
        ),
        {_LIB: ("name.upper()", "name.title()")},
        "a",
    ),
    case(
        "data_read_at_import",
        two(
            """
            import json
            import pathlib

            TABLE = json.loads((pathlib.Path(__file__).parent / "NAME.json").read_text())


            def first():
                return TABLE[0]


            def plain():
                return 1
            """,
            "lib.first() == 1",
            "lib.plain() == 1",
        )
        | {"NAME.json": "[1, 2]\n"},
        {"NAME.json": "[5, 2]\n"},
        "a",
    ),
)
