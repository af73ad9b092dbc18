"""What list, explain, doctor and the others say of a tiny fixed repository, whole.

Run with UPDATE_PUBLISHED=1 to write the texts anew, then look at the difference.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from support.children import ask
from support.published import assert_published
from support.repositories import GitTree, isolated_environ

TEXTS = Path(__file__).parent / "texts"
FILES = {
    ".gitignore": "*.log\n",
    "README.md": "words\n",
    "pyproject.toml": "[tool.pytest.ini_options]\npythonpath = ['src']\n",
    "src/shop/__init__.py": "",
    "src/shop/cart.py": "from shop import price\n\n\ndef total(items):\n    return sum(map(price.of, items))\n",
    "src/shop/price.py": "from pathlib import Path\n\nTABLE = Path(__file__).with_name('prices.txt')\n\n\n"
    "def of(item):\n    return TABLE.read_text().split().index(item)\n",
    "src/shop/prices.txt": "apple pear plum\n",
    "tests/test_cart.py": "from shop import cart\n\n\ndef test_total():\n    assert cart.total(['pear', 'plum']) == 3\n",
    "tests/test_price.py": "from shop import price\n\n\ndef test_of():\n    assert price.of('pear') == 1\n",
    "tests/test_words.py": "import os\n\n\ndef test_words():\n    assert 'README.md' in os.listdir('.')\n",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """The repository with one run behind it, and a way to ask about it."""
    top = tmp_path_factory.mktemp("golden")
    extra = {"AFFECTED_CACHE_DIR": str(top / "cache"), "COLUMNS": "80"}
    environ = {k: v for k, v in isolated_environ(extra).items() if k != "VIRTUAL_ENV"}
    tree = GitTree.init(top / "shop")
    tree.commit_files(FILES)

    def say(*arguments):
        answer = ask(tree.root, environ, *arguments)
        return normal(answer.out + answer.err, top)

    first = say("run")
    return tree, say, first


def normal(text, top):
    """The text without what differs from machine to machine and from run to run."""
    used = Path(os.path.normpath(sys.executable))
    for path in (sys.executable, used, used.with_name("python")):
        text = text.replace(str(path), "PYTHON")
    text = text.replace(str(top), "TOP")
    text = re.sub(r"\b[0-9a-f]{64}\b", "FINGERPRINT", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "TIME", text)
    text = re.sub(r"by \S+@\S+", "by WRITER", text)
    text = re.sub(r"\b\d+(\.\d+)? ?(ms|s|KB|MB|kB|GB|bytes|KiB|MiB|GiB)\b", "N \\2", text)
    text = re.sub(r"\bN (ms|s)\b", "DURATION", text)
    text = re.sub(r"\bN (KB|MB|kB|bytes|KiB|MiB)\b", "SIZE", text)
    return re.sub(r"(Python|pytest) \d+(\.\d+)+", r"\1 VERSION", text)


def check(name, text):
    assert_published(TEXTS / f"{name}.txt", text)


@pytest.fixture
def edited(shop):
    """The repository with a module, a data file and a document changed; undone afterwards."""
    tree, say, _ = shop
    tree.write("src/shop/cart.py", FILES["src/shop/cart.py"].replace("sum(", "0 + sum("))
    tree.write("src/shop/prices.txt", "apple pear plum fig\n")
    tree.write("README.md", "other words\n")
    yield say
    tree.git("checkout", "-q", "--", ".")


def test_the_first_run(shop):
    """Everything runs."""
    check("run-first", shop[2])


def test_a_run_with_nothing_to_do(shop):
    """One line."""
    check("run-nothing", shop[1]("run"))


def test_a_list_of_a_clean_tree(shop):
    """Nothing is affected."""
    check("list-clean", shop[1]("list", "--base", "HEAD"))


def test_a_list_of_changes(edited):
    """Each affected target with its causes and the chain that leads there."""
    check("list-changes", edited("list", "--base", "HEAD"))


def test_a_list_of_changes_as_json(edited):
    """The same for programs."""
    check("list-changes-json", edited("list", "--base", "HEAD", "--json"))


def test_a_list_without_a_base(shop):
    """Everything, loudly."""
    check("list-no-base", shop[1]("list"))


def test_a_list_of_all_targets(shop):
    """Whatever changed."""
    check("list-all", shop[1]("list", "--all"))


# What an answer says of code is told by functions, which Python tells from 3.12 on.
by_functions = pytest.mark.skipif(sys.version_info < (3, 12), reason="functions: Python 3.12")


@by_functions
def test_an_explanation_of_a_skip(shop):
    """The observation that proves it."""
    check("explain-skip", shop[1]("explain", "tests/test_cart.py"))


@by_functions
def test_an_explanation_of_a_run(edited):
    """What differs from the nearest observation, and how it is reached."""
    check("explain-run", edited("explain", "tests/test_cart.py"))


@by_functions
def test_an_explanation_of_one_test(shop):
    """A test's id instead of a file."""
    check("explain-test", shop[1]("explain", "tests/test_price.py::test_of"))


@by_functions
def test_a_dry_run(edited):
    """What would run, and why."""
    check("run-dry", edited("run", "--dry-run"))


def test_the_doctor(shop):
    """What is set up."""
    check("doctor", shop[1]("doctor"))


def test_the_graph_around_a_module(shop):
    """Who needs whom, as text."""
    check("graph-focus", shop[1]("graph", "--focus", "src/shop/price.py"))
