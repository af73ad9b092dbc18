"""Hard cases of values that are read by code nobody traces, or by names that are computed."""

from __future__ import annotations

from support.hard_cases.case import Case, case

_BOX = """
class Box:
    NAME_weight = 1
    colour = "red"


def other():
    return 1
"""
_CONSTANT = "NAME_weight = 1\n\n\ndef other():\n    return 1\n"
_A_AND_B = """
import {imports}


def test_a():
    assert {a}


def test_b():
    assert NAME_lib.other() == 1
"""
_LOOK = {
    "NAME_look.py": 'def up(thing, parts):\n    return getattr(thing, "_".join(parts))\n',
}
_EDIT = {"NAME_lib.py": ("NAME_weight = 1", "NAME_weight = 2")}


def _two(a: str, lib: str = _BOX, imports: str = "NAME_lib", **more: str) -> dict[str, str]:
    tests = _A_AND_B.replace("{imports}", imports).replace("{a}", a)
    return {"NAME_lib.py": lib, "test_NAME.py": tests, **more}


UNSEEN: tuple[Case, ...] = (
    case(
        "attribute_that_a_library_spells",
        _two("NAME_heavy.of(NAME_lib.Box()) == 1", imports="NAME_heavy, NAME_lib"),
        _EDIT,
        "a",
        installed={"NAME_heavy.py": "def of(thing):\n    return thing.NAME_weight\n"},
    ),
    case(
        "attribute_that_a_table_names_to_a_library",
        _two(
            "NAME_heavy.of(NAME_lib.Box(), NAME_lib.FIELDS) == [1]",
            lib=_BOX + '\n\nFIELDS = ["NAME_weight"]\n',
            imports="NAME_heavy, NAME_lib",
        ),
        _EDIT,
        "a",
        installed={
            "NAME_heavy.py": "def of(thing, names):\n    return [getattr(thing, n) for n in names]\n"
        },
    ),
    case(
        "attribute_in_a_template_of_the_module",
        _two(
            "NAME_lib.TEXT.format(NAME_lib.Box()) == '1'",
            lib=_BOX + '\n\nTEXT = "{0.NAME_weight}"\n',
        ),
        _EDIT,
        "a",
    ),
    case(
        "attribute_in_a_template_file",
        {
            **_two("(HERE / 'NAME.txt').read_text().format(NAME_lib.Box()) == 'it weighs 1'"),
            "test_NAME.py": _A_AND_B.replace("{imports}", "pathlib\n\nimport NAME_lib")
            .replace("{a}", "(HERE / 'NAME.txt').read_text().format(NAME_lib.Box()) == 'weighs 1'")
            .replace(
                "\n\n\ndef test_a", "\n\nHERE = pathlib.Path(__file__).parent\n\n\ndef test_a"
            ),
            "NAME.txt": "weighs {0.NAME_weight}",
        },
        _EDIT,
        "a",
    ),
    case(
        "attribute_of_a_computed_name",
        _two(
            "NAME_look.up(NAME_lib.Box(), ['NAME', 'weight']) == 1",
            imports="NAME_lib\nimport NAME_look",
            **_LOOK,
        ),
        _EDIT,
        "a",
    ),
    case(
        "constant_of_a_computed_name",
        _two(
            "NAME_look.up(NAME_lib, ['NAME', 'weight']) == 1",
            lib=_CONSTANT,
            imports="NAME_lib\nimport NAME_look",
            **_LOOK,
        ),
        _EDIT,
        "a",
    ),
    case(
        "constant_of_a_module_among_those_loaded",
        _two(
            "NAME_look.up('NAME_' + 'lib', ['NAME', 'weight']) == 1",
            lib=_CONSTANT,
            imports="NAME_lib\nimport NAME_look",
            **{
                "NAME_look.py": "import sys\n\n\ndef up(name, parts):\n"
                '    return getattr(sys.modules[name], "_".join(parts))\n'
            },
        ),
        _EDIT,
        "a",
    ),
    case(
        "attribute_of_what_a_function_gives",
        _two(
            "NAME_look.up(NAME_lib.made()) == 1",
            lib=_BOX + "\n\ndef made():\n    return Box()\n",
            imports="NAME_lib\nimport NAME_look",
            **{
                "NAME_look.py": "def up(thing):\n    return vars(type(thing))['NAME_' + 'weight']\n"
            },
        ),
        _EDIT,
        "a",
    ),
    case(
        "constant_that_generated_code_imports",
        _two(
            "NAME_look.run('from NAME_lib import NAME_weight') == 1",
            lib=_CONSTANT,
            imports="NAME_lib\nimport NAME_look",
            **{
                "NAME_look.py": "def run(text):\n    names = {'__name__': 'made'}\n"
                "    exec(compile(text, '<made>', 'exec'), names)\n"
                "    return names['NAME_' + 'weight']\n"
            },
        ),
        _EDIT,
        "a",
    ),
    case(
        "names_of_a_module_that_is_kept_in_a_table",
        _two(
            "NAME_look.up('x', ['NAME', 'weight']) == 1",
            lib=_CONSTANT,
            imports="NAME_lib\nimport NAME_look",
            **{
                "NAME_look.py": "import NAME_lib as kept\n\nTABLE = {'x': kept}\n\n\n"
                'def up(key, parts):\n    return getattr(TABLE[key], "_".join(parts))\n'
            },
        ),
        _EDIT,
        "a",
    ),
)
