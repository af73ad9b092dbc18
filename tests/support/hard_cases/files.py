"""Hard cases of files that are not imported, of imports that another file answers, of processes."""

from __future__ import annotations

from support.hard_cases.case import Case, Group, case

_HERE = "import os\nimport pathlib\n\nHERE = pathlib.Path(__file__).parent\n"


def _reading(first: str, second: str, head: str = "") -> str:
    return (
        f"{_HERE}{head}\n\ndef test_a():\n    assert {first}\n\n\n"
        f"def test_b():\n    assert {second}\n"
    )


def _texts(name: str, first: str, second: str, head: str = "") -> dict[str, str]:
    return {
        "data/one.txt": "1\n",
        "data/two.txt": "2\n",
        f"test_{name}.py": _reading(first, second, head),
    }


_ONE = "(HERE / 'data/one.txt').read_text() == '1\\n'"
_TWO = "(HERE / 'data/two.txt').read_text() == '2\\n'"
_EDITED = {"data/one.txt": "3\n"}


def _file(name: str, first: str, head: str = "") -> Case:
    """`first` reads data/one.txt in some way, which is edited."""
    return case(name, _texts("NAME", first, _TWO, head), _EDITED, "a")


_RENDER = """

def render(name):
    text = (HERE / name).read_text()
    while "{" in text:
        head, _, rest = text.partition("{")
        inner, _, tail = rest.partition("}")
        text = head + render(inner) + tail
    return text
"""
FILES: tuple[Case, ...] = (
    _file("data_file", _ONE),
    _file("data_by_os_open", "os.read(os.open(HERE / 'data/one.txt', os.O_RDONLY), 1) == b'1'"),
    case(
        "data_by_size",
        _texts("NAME", "(HERE / 'data/one.txt').stat().st_size == 2", _TWO),
        {"data/one.txt": "long\n"},
        "a",
    ),
    _file(
        "data_by_line",
        "linecache.getline(str(HERE / 'data/one.txt'), 1) == '1\\n'",
        "import linecache\n",
    ),
    case(
        "data_by_glob",
        _texts("NAME", "len(list((HERE / 'data').glob('*.txt'))) == 2", _TWO),
        {"data/three.txt": "3\n"},
        "a",
    ),
    case(
        "data_in_a_listed_folder",
        _texts("NAME", "len(os.listdir(HERE / 'data')) == 2", _TWO),
        {"data/three.bin": "3\n"},
        "a",
    ),
    case(
        "data_below_a_walked_folder",
        _texts("NAME", "sum(len(files) for _, _, files in os.walk(HERE / 'data')) == 2", _TWO),
        {"data/deep/three.txt": "3\n"},
        "a",
    ),
    case("data_gone", _texts("NAME", _ONE, _TWO), {"data/one.txt": None}, "a"),
    case(
        "data_looked_for_in_vain",
        _texts("NAME", "not os.path.exists(HERE / 'data/local.cfg')", _TWO),
        {"data/local.cfg": "x\n"},
        "a",
    ),
    case(
        "data_opened_in_vain",
        _texts(
            "NAME",
            "not found()",
            _TWO,
            "\n\ndef found():\n    try:\n        return open(HERE / 'data/local.cfg').read()\n"
            "    except OSError:\n        return ''\n",
        ),
        {"data/local.cfg": "x\n"},
        "a",
    ),
    case(
        "template_that_includes",
        {
            "main.txt": "a {part.txt} b\n",
            "part.txt": "part\n",
            "other.txt": "other\n",
            "test_NAME.py": _reading(
                "'part' in render('main.txt')", "'other' in render('other.txt')", _RENDER
            ),
        },
        {"part.txt": "another\n"},
        "a",
    ),
    case(
        "package_resource",
        {
            "NAME_pkg/__init__.py": "",
            "NAME_pkg/one.txt": "1\n",
            "NAME_pkg/two.txt": "2\n",
            "test_NAME.py": _reading(
                "files('NAME_pkg').joinpath('one.txt').read_text() == '1\\n'",
                "files('NAME_pkg').joinpath('two.txt').read_text() == '2\\n'",
                "from importlib.resources import files\n",
            ),
        },
        {"NAME_pkg/one.txt": "3\n"},
        "a",
    ),
    case(
        "package_data",
        {
            "NAME_pkg/__init__.py": "",
            "NAME_pkg/one.txt": "1\n",
            "NAME_pkg/two.txt": "2\n",
            "test_NAME.py": _reading(
                "pkgutil.get_data('NAME_pkg', 'one.txt') == b'1\\n'",
                "pkgutil.get_data('NAME_pkg', 'two.txt') == b'2\\n'",
                "import pkgutil\n",
            ),
        },
        {"NAME_pkg/one.txt": "3\n"},
        "a",
    ),
    # --- imports that another file answers
    case(
        "file_that_shadows",
        {
            "NAME_lib.py": "def f():\n    return 1\n",
            "test_NAME.py": "import NAME_lib\n\n\ndef test_a():\n    assert NAME_lib.f() == 1\n",
            "test_NAME_other.py": "def test_b():\n    assert True\n",
        },
        {"NAME_lib/__init__.py": "def f():\n    return 2\n"},
        "a",
    ),
    case(
        "optional_module_appears",
        {
            "NAME_lib.py": "try:\n    import NAME_fast as fast\nexcept ImportError:\n    fast = None\n",
            "test_NAME.py": "import NAME_lib\n\n\ndef test_a():\n    assert NAME_lib.fast is None\n",
            "test_NAME_other.py": "def test_b():\n    assert True\n",
        },
        {"NAME_fast.py": "SPEED = 1\n"},
        "a",
    ),
    case(
        "namespace_package_ends",
        {
            "NAME_space/inner.py": "def f():\n    return 1\n",
            "test_NAME.py": "from NAME_space import inner\n\n\n"
            "def test_a():\n    assert inner.f() == 1\n",
            "test_NAME_other.py": "def test_b():\n    assert True\n",
        },
        {"NAME_space/__init__.py": "import sys\n\nsys.NAME = True\n"},
        "a",
    ),
    case(
        "deleted_init",
        {
            "NAME_pkg/__init__.py": "VALUE = 1\n",
            "NAME_pkg/inner.py": "def f():\n    return 1\n",
            "test_NAME.py": "import NAME_pkg\n\n\ndef test_a():\n    assert NAME_pkg.VALUE == 1\n",
            "test_NAME_other.py": "def test_b():\n    assert True\n",
        },
        {"NAME_pkg/__init__.py": None},
        "a",
    ),
    case(
        "deleted_module",
        {
            "NAME_lib.py": "def f():\n    return 1\n",
            "test_NAME.py": "import NAME_lib\n\n\ndef test_a():\n    assert NAME_lib.f() == 1\n",
            "test_NAME_other.py": "def test_b():\n    assert True\n",
        },
        {"NAME_lib.py": None},
        "a",
        Group.BREAKING,
    ),
    case(
        "module_that_does_not_parse",
        {
            "NAME_lib.py": "def f():\n    return 1\n",
            "test_NAME.py": "import NAME_lib\n\n\ndef test_a():\n    assert NAME_lib.f() == 1\n",
            "test_NAME_other.py": "def test_b():\n    assert True\n",
        },
        {"NAME_lib.py": ("def f():", "def f(:")},
        "a",
        Group.BREAKING,
    ),
)
_LIB = "def f():\n    return 1\n\n\ndef g():\n    return 2\n\n\nif __name__ == '__main__':\n    print(f())\n"


def _process(name: str, first: str, head: str) -> Case:
    """`first` calls NAME_lib.f in another process; the other test calls NAME_lib.g in this one."""
    files = {"NAME_lib.py": _LIB, "test_NAME.py": _reading(first, "NAME_lib.g() == 2", head)}
    return case(name, files, {"NAME_lib.py": ("return 1", "return 3")}, "a")


_RUN = (
    "import subprocess\nimport sys\n\nimport NAME_lib\n\n\ndef run(*words):\n"
    "    command = [sys.executable, *words]\n"
    "    return subprocess.run(command, capture_output=True, text=True, cwd=HERE).stdout\n"
)
_POOL = (
    "import multiprocessing\n\nimport NAME_lib\n\n\ndef pooled(kind):\n"
    "    with multiprocessing.get_context(kind).Pool(1) as pool:\n"
    "        return pool.apply(NAME_lib.f)\n"
)
PROCESSES: tuple[Case, ...] = (
    _process("child_python", "run('-c', 'import NAME_lib; print(NAME_lib.f())') == '1\\n'", _RUN),
    _process("child_module", "run('-m', 'NAME_lib') == '1\\n'", _RUN),
    _process("child_script", "run('NAME_lib.py') == '1\\n'", _RUN),
    _process("pool_by_fork", "pooled('fork') == 1", _POOL),
    _process("pool_by_spawn", "pooled('spawn') == 1", _POOL),
    case(
        "opaque_child",
        {
            "one.txt": "1\n",
            "test_NAME.py": _reading(
                "subprocess.run(['cat', HERE / 'one.txt'], capture_output=True).stdout == b'1\\n'",
                "True",
                "import subprocess\n",
            ),
        },
        {"one.txt": "2\n"},
        "a",
    ),
)
