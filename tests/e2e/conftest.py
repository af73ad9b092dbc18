"""Workspaces for the end-to-end tests: one is built and run once, each test gets a copy of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.workspaces import Answer, Checkout, monorepo

FILES = {
    "pyproject.toml": (
        '[project]\nname = "root"\n\n[tool.pytest.ini_options]\n'
        'pythonpath = ["libs/core/src", "libs/shop/src"]\n'
    ),
    "README.md": "# A monorepo\n",
    ".gitignore": "__pycache__/\n.pytest_cache/\n",
    "libs/core/pyproject.toml": '[project]\nname = "core"\n',
    "libs/core/src/core/__init__.py": "",
    "libs/core/src/core/money.py": (
        "RATE = 2\n\n\ndef double(amount):\n    # twice\n    return amount * RATE\n"
    ),
    "libs/core/src/core/text.py": "def shout(words):\n    return words.upper()\n",
    "libs/core/tests/test_money.py": (
        "import pytest\n\nfrom core.money import double\n\n\n"
        "def test_double():\n    assert double(2) == 4\n\n\n"
        "@pytest.mark.parametrize('amount', [0, 1])\n"
        "def test_sign(amount):\n    assert double(amount) >= 0\n"
    ),
    "libs/core/tests/test_text.py": (
        "import pytest\n\nfrom core.text import shout\n\n\n"
        "def test_shout():\n    assert shout('a') == 'A'\n\n\n"
        "def test_later():\n    pytest.skip('not yet')\n"
    ),
    "libs/shop/pyproject.toml": '[project]\nname = "shop"\n',
    "libs/shop/src/shop/__init__.py": "",
    "libs/shop/src/shop/basket.py": (
        "from core.money import double\n\n\ndef total(prices):\n"
        "    return sum(double(price) for price in prices)\n"
    ),
    "libs/shop/tests/test_basket.py": (
        "from shop.basket import total\n\n\ndef test_total():\n    assert total([1, 2]) > 0\n"
    ),
    "libs/shop/tests/test_prices.py": (
        "import pathlib\n\nPRICES = pathlib.Path(__file__).parent / 'prices.txt'\n\n\n"
        "def test_prices():\n    assert PRICES.read_text().split()\n"
    ),
    "libs/shop/tests/prices.txt": "1 2 3\n",
    "tools/test_tools.py": "def test_tools():\n    assert True\n",
}

MONEY = "libs/core/tests/test_money.py"
TEXT = "libs/core/tests/test_text.py"
BASKET = "libs/shop/tests/test_basket.py"
PRICES = "libs/shop/tests/test_prices.py"
TOOLS = "tools/test_tools.py"


def pytest_configure(config: pytest.Config) -> None:
    """The mark is known where the plugin that heeds it is left out, too."""
    config.addinivalue_line(
        "markers", "xdist_group(name): run in one worker, for what is made once"
    )


@pytest.fixture(scope="session")
def cold(tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, Answer]:
    """A monorepo that was run once, and what the run said."""
    folder = tmp_path_factory.mktemp("cold")
    checkout = monorepo(folder / "repo", folder / "cache", FILES)
    return checkout, checkout.run()


@pytest.fixture
def ready(cold: tuple[Checkout, Answer], tmp_path: Path) -> Checkout:
    """A copy of that monorepo and of its cache."""
    built, _ = cold
    shutil.copytree(built.root, tmp_path / "repo", symlinks=True)
    shutil.copytree(built.cache, tmp_path / "cache", symlinks=True)
    return Checkout(tmp_path / "repo", tmp_path / "cache")
