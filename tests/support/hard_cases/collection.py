"""Hard cases of fixtures, parametrisation and everything else that pytest does before a test runs."""

from __future__ import annotations

from support.hard_cases.case import Case, Group, case

_LIB = "NAME_lib.py"
_FUNCTIONS = "def f():\n    return 1\n\n\ndef g():\n    return 2\n"
_FIXTURE = """
import NAME_lib
import pytest


@pytest.fixture(scope="session")
def link():
    return NAME_lib.f()
"""
_USERS = """
def test_a(link):
    assert link == 1


def test_b(link):
    assert link


def test_c():
    assert True
"""
COLLECTION: tuple[Case, ...] = (
    case(
        "session_fixture_triggered_by_another",
        {_LIB: _FUNCTIONS, "conftest.py": _FIXTURE, "test_NAME.py": _USERS},
        {_LIB: ("return 1", "return 3")},
        "a b",
    ),
    case(
        "fixture_body",
        {_LIB: _FUNCTIONS, "conftest.py": _FIXTURE, "test_NAME.py": _USERS},
        {"conftest.py": ("NAME_lib.f()", "NAME_lib.g()")},
        "a b",
    ),
    case(
        "fixture_of_a_fixture",
        {
            _LIB: _FUNCTIONS,
            "conftest.py": _FIXTURE + "\n\n@pytest.fixture\ndef outer(link):\n    return link\n",
            "test_NAME.py": "def test_a(outer):\n    assert outer == 1\n\n\n"
            "def test_b():\n    assert True\n",
        },
        {_LIB: ("return 1", "return 3")},
        "a",
    ),
    case(
        "fixture_teardown",
        {
            _LIB: _FUNCTIONS,
            "conftest.py": """
            import NAME_lib
            import pytest


            @pytest.fixture
            def link():
                yield 1
                assert NAME_lib.g() == 2
            """,
            "test_NAME.py": "def test_a(link):\n    assert link\n\n\n"
            "def test_b():\n    assert True\n",
        },
        {_LIB: ("return 2", "return 3")},
        "a",
    ),
    case(
        "automatic_fixture",
        {
            "conftest.py": """
            import pytest


            @pytest.fixture(autouse=True)
            def ready():
                return 1
            """,
            "test_NAME.py": "def test_a():\n    assert True\n\n\ndef test_b():\n    assert True\n",
        },
        {"conftest.py": ("return 1", "raise ValueError")},
        "a b",
    ),
    case(
        "conftest_two_folders_up",
        {
            "conftest.py": "import pytest\n\n\n@pytest.fixture\ndef far():\n    return 1\n",
            "one/two/test_NAME.py": "def test_a(far):\n    assert far == 1\n\n\n"
            "def test_b():\n    assert True\n",
        },
        {"conftest.py": ("return 1", "return 2")},
        "one/two/test_NAME.py::test_a",
    ),
    case(
        "new_conftest",
        {
            "one/test_NAME_one.py": "def test_a():\n    assert True\n",
            "two/test_NAME_two.py": "def test_b():\n    assert True\n",
        },
        {
            "one/conftest.py": "import pytest\n\n\n@pytest.fixture(autouse=True)\n"
            "def broken():\n    raise ValueError\n"
        },
        "one/test_NAME_one.py::test_a",
    ),
    case(
        "fixture_overridden_nearer",
        {
            "conftest.py": "import pytest\n\n\n@pytest.fixture\ndef far():\n    return 1\n",
            "one/test_NAME.py": "def test_a(far):\n    assert far == 1\n\n\n"
            "def test_b():\n    assert True\n",
        },
        {
            "one/test_NAME.py": (
                "def test_a",
                "import pytest\n\n\n@pytest.fixture\ndef far():\n    return 2\n\n\ndef test_a",
            )
        },
        "one/test_NAME.py::test_a",
    ),
    case(
        "class_set_up",
        {
            _LIB: _FUNCTIONS,
            "test_NAME.py": """
            import unittest

            import NAME_lib


            class TestOne(unittest.TestCase):
                @classmethod
                def setUpClass(cls):
                    cls.value = NAME_lib.f()

                def test_a(self):
                    assert self.value == 1

                def test_b(self):
                    assert self.value


            class TestTwo(unittest.TestCase):
                def test_c(self):
                    assert NAME_lib.g() == 2
            """,
        },
        {_LIB: ("return 1", "return 3")},
        "test_NAME.py::TestOne::test_a test_NAME.py::TestOne::test_b",
    ),
    case(
        "module_set_up",
        {
            _LIB: _FUNCTIONS,
            "test_NAME.py": """
            import NAME_lib


            def setup_module(module):
                module.value = NAME_lib.f()


            def test_a():
                assert value == 1


            def test_b():
                assert value
            """,
        },
        {_LIB: ("return 1", "return 3")},
        "a b",
    ),
    case(
        "parametrised_by_a_constant",
        {
            _LIB: "CASES = [1, 2]\n",
            "test_NAME.py": """
            import NAME_lib
            import pytest


            @pytest.mark.parametrize("number", NAME_lib.CASES)
            def test_a(number):
                assert number


            def test_b():
                assert True
            """,
        },
        {_LIB: ("[1, 2]", "[1, 3]")},
        "a[3]",
    ),
    case(
        "parametrised_values_with_the_same_ids",
        {
            "test_NAME.py": """
            import pytest


            @pytest.mark.parametrize("number", [{"x": 1}, {"x": 2}])
            def test_a(number):
                assert number["x"]


            def test_b():
                assert True
            """,
        },
        {"test_NAME.py": ('{"x": 2}', '{"x": 0}')},
        "a[number1]",
    ),
    case(
        "parametrised_from_a_file",
        {
            "NAME.json": "[1, 2]\n",
            "test_NAME.py": """
            import json
            import pathlib

            import pytest

            CASES = json.loads(pathlib.Path(__file__).with_name("NAME.json").read_text())


            @pytest.mark.parametrize("number", CASES)
            def test_a(number):
                assert number


            def test_b():
                assert True
            """,
        },
        {"NAME.json": "[1, 2, 3]\n"},
        "a[3]",
    ),
    case(
        "fixture_parameters",
        {
            "test_NAME.py": """
            import pytest


            @pytest.fixture(params=[1, 2])
            def number(request):
                return request.param


            def test_a(number):
                assert number


            def test_b():
                assert True
            """,
        },
        {"test_NAME.py": ("params=[1, 2]", "params=[1, 2, 4]")},
        "a[4]",
    ),
    case(
        "generated_tests",
        {
            "conftest.py": """
            def pytest_generate_tests(metafunc):
                if "number" in metafunc.fixturenames:
                    metafunc.parametrize("number", [1, 2])
            """,
            "test_NAME.py": "def test_a(number):\n    assert number\n\n\n"
            "def test_b():\n    assert True\n",
        },
        {"conftest.py": ("[1, 2]", "[1, 2, 4]")},
        "a[4]",
    ),
    case(
        "marked_while_collecting",
        {
            "conftest.py": """
            import pytest


            def pytest_collection_modifyitems(items):
                for item in items:
                    if item.path.stem == "test_NAME" and item.name == "test_a":
                        item.add_marker(pytest.mark.skip)
            """,
            "test_NAME.py": "def test_a():\n    assert True\n\n\ndef test_b():\n    assert True\n\n\n"
            "def test_c():\n    assert True\n",
        },
        {"conftest.py": ('"test_a"', '"test_b"')},
        "a b",
    ),
    case(
        "skipped_by_a_constant",
        {
            _LIB: "SLOW = False\n",
            "test_NAME.py": """
            import NAME_lib
            import pytest


            @pytest.mark.skipif(NAME_lib.SLOW, reason="slow")
            def test_a():
                assert True


            def test_b():
                assert True
            """,
        },
        {_LIB: ("SLOW = False", "SLOW = True")},
        "a",
    ),
    case(
        "test_body",
        {"test_NAME.py": "def test_a():\n    assert 1\n\n\ndef test_b():\n    assert 2\n"},
        {"test_NAME.py": ("assert 1", "assert 3")},
        "a",
    ),
    case(
        "test_added",
        {"test_NAME.py": "def test_a():\n    assert 1\n"},
        {"test_NAME.py": ("def test_a", "def test_new():\n    assert 2\n\n\ndef test_a")},
        "new",
    ),
    case(
        "test_file_added",
        {"test_NAME.py": "def test_a():\n    assert 1\n"},
        {"test_NAME_new.py": "def test_n():\n    assert 1\n"},
        "test_NAME_new.py::test_n",
    ),
    case(
        "test_helper",
        {
            "test_NAME.py": "def check(value):\n    assert value\n\n\n"
            "def test_a():\n    check(1)\n\n\ndef test_b():\n    assert 2\n"
        },
        {"test_NAME.py": ("assert value", "assert not value")},
        "a",
    ),
    case(
        "doctest",
        {
            "pytest.ini": "[pytest]\naddopts = --doctest-modules\n",
            _LIB: """
            def f():
                \"\"\"
                >>> f()
                1
                \"\"\"
                return 1


            def g():
                \"\"\"
                >>> g()
                2
                \"\"\"
                return 2
            """,
            "pyproject.toml": '[project]\nname = "NAME"\n',
        },
        {_LIB: ("return 1", "return 3")},
        "NAME_lib.py::NAME_lib.f",
    ),
    case(
        "test_file_that_cannot_be_collected",
        {
            "test_NAME.py": "def test_a():\n    assert 1\n",
            "test_NAME_other.py": "def test_b():\n    assert 1\n",
        },
        {"test_NAME.py": ("def test_a", "import NAME_nowhere\n\n\ndef test_a")},
        "a",
        Group.BREAKING,
    ),
)
