"""What `scan` reads out of one Python source."""

from __future__ import annotations

import ast

import pytest

from affected.lang.python.scan import Import, pack, scan, scan_files, scan_packed, unpack
from affected.model.edge import EdgeKind


def found(source: str | bytes) -> set[tuple[str, str]]:
    """The imports as (module, name) pairs; the name is "" for a plain import."""
    facts = scan(source if isinstance(source, bytes) else source.encode())
    return {
        (one.module, name)
        for one in facts.imports
        if one.kind is not EdgeKind.STRING
        for name in (one.names or ("",))
    }


def kinds(source: str) -> dict[str, EdgeKind]:
    return {one.module: one.kind for one in scan(source.encode()).imports}


def told(source: str | bytes) -> set[tuple[str, str]]:
    """The same by Python's own parser."""
    pairs: set[tuple[str, str]] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            pairs |= {(alias.name, "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            pairs |= {(module, alias.name) for alias in node.names}
    return pairs


STATEMENTS = [
    "import a",
    "import a.b as c, d",
    "import a . b . c",
    "import\ta",
    "import a as b  # why",
    "import a, \\\n    b.c",
    "import \\\n a",
    "from a import b",
    "from a.b import c as d, e",
    "from a import *",
    "from a import(b)",
    "from a import*",
    "from a import (b,\n  c as d,  # see (1)\n  # )\n  e)",
    "from a import (\n    b,\n\n    c,\n)",
    "from . import a",
    "from .a import b",
    "from .import a",
    "from ...a.b import c",
    "from . . . a import b",
    "from .. a import b",
    "from...import a",
    "from .\\\n. import a",
    "from a \\\n import \\\n b, \\\n c",
    "from a . b import c",
    "from __future__ import annotations",
    "from importing import imported",
    "from zipimport import zipimporter",
    "from .import_export import importer",
    "x = 1; import a",
    "x = 1; from a import b; import c, d; y = 2",
    "if x: import a",
    "if x:import a;import b",
    "try: import a\nexcept ImportError: from b import c\nelse: import d\nfinally: import e",
    "class A: import a",
    "class A(object):from a import b",
    "for x in y: import a",
    "while x: import a",
    "with x: import a",
    "def f(): import a",
    "async def f():\n    import a\n    await g(); from b import c",
    "def f():\n\n\timport a\n\tdef g():\n\t\tfrom .b import c",
    "if x: \\\n  import a",
    "x = 1; \\\nimport a",
    "\\\nimport a",
    "\x0cimport a",
    "\x0c\x0c  \x0cimport a",
    "import\x0ca",
    "match x:\n    case 1: import a\n    case _:\n        import b",
    "x = '''\n'''; import a",
    "x = '#'; from a import b",
    "def f():\n    '''from x import (y'''\n    import a",
    '"""from x import (\n"""\nimport a\nf(b)',
    "f(  # from x import (a\n  b)\nimport c",
    "# from x import (\n#    y,\n# )\nimport a\nf(b)",
    "# from x \\\nimport a",
    "# import x, \\\nimport a",
    "# from x import y, \\\nfrom a import b",
    "x = 1 # from x import y, \\\nfrom a import (b,\n c)",
    "# import x \\\n# import y \\\nimport a",
    "y = '#'; from a \\\n import b",
    "raise X from y\nimport a",
    "def g():\n    yield from a; import b",
    "print(x);import a",
    "lambda: 0; import a",
    "import a\n" * 3,
    "import a" + " " * 400 + ", b",
    " " * 0 + "if x:\n" + " " * 300 + "import a",
    "from a import (b, c as \\\n d)",
    "import \U0001d4ea\U0001d4eb, ﬁ",
    "from .ﬀ import ª as x",
    "import éa; from ü.ö import ä",
]


@pytest.mark.parametrize("source", STATEMENTS)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("ending", ["", "\n"])
def test_every_form_of_import_statement_is_found(source, newline, ending):
    """Whatever way a statement is written, its modules and names are found, exactly."""
    text = (source + ending).replace("\n", newline).encode()
    expected = told(text)
    assert expected
    assert found(text) >= expected
    real = {pair for pair in found(text) if pair[0] not in {"x", "y"}}
    if "#" not in source:
        assert real == expected


@pytest.mark.parametrize(
    ("source", "module"),
    [
        (b"# coding: latin-1\nimport \xe9t\xe9\n", "été"),
        (b"#!/usr/bin/python\n# -*- coding: cp1252 -*-\nimport \xe9t\xe9\n", "été"),
        (b"\n# vim: set fileencoding=iso-8859-15 :\nimport \xe9t\xe9\n", "été"),
        (b"# coding: koi8-r\rimport \xc1\xc2\r", "\u0430\u0431"),
        (b"# coding: utf-7\nimport a\n", "a"),
        (b"\xef\xbb\xbfimport a\n", "a"),
        (b"\xef\xbb\xbf# coding: utf-8\nimport \xc3\xa9t\xc3\xa9\n", "été"),
        ("# coding: gbk\nimport 汉".encode("gbk"), "汉"),
        ("# coding: shift_jis\nimport 日本".encode("shift_jis"), "日本"),
    ],
)
def test_the_encoding_a_source_declares_is_honoured(source, module):
    """PEP 263: a comment in the first two lines, or a byte order mark."""
    assert (module, "") in told(source)
    assert (module, "") in found(source)


@pytest.mark.parametrize(
    "source",
    [
        "import été\n# coding: latin-1\n".encode(),
        "x = 1\n# coding: latin-1\nimport été\n".encode(),
        "\n\n# coding: latin-1\nimport été\n".encode(),
    ],
)
def test_an_encoding_named_elsewhere_does_not_count(source):
    """Behind code, or below the second line, a coding comment is a comment."""
    assert ("été", "") in told(source)
    assert ("été", "") in found(source)


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"\n",
        b"\x00\x01",
        b"import a\ndef f(:\n",
        b"# coding: no-such-codec\nimport a",
        b"# coding: hex\nimport a",
        b"# coding: utf-16\nimport a",
        b"import a\n\xff\xfe\xfa",
        b"import a\nfrom",
        b"import a\nfrom x import (",
        b"import a\nimport",
        b"import a\nimport_module(",
        b"import a\npytest_plugins = [",
        b"import a\n" + b"(" * 10000,
        b"import a\nx = 'a" + b".b" * 10000,
    ],
)
def test_a_source_that_does_not_parse_still_gives_facts(source):
    """Broken files are scanned like others: whoever edits them sees their tests selected."""
    facts = scan(source)
    assert ("a" in {one.module for one in facts.imports}) == (b"import a" in source)


WHERE_THEY_STAND = """
import top
from stars import *
if TYPE_CHECKING:
    import typed
else:
    import untyped
if typing.TYPE_CHECKING:
    from typed2 import x
if (t.TYPE_CHECKING):  # for mypy
    from typed3 import x
if not TYPE_CHECKING:
    import negated
if TYPE_CHECKING or x:
    import either
try:
    import tried
except ImportError:
    import excepted
def f():
    import lazy
class A:
    import in_class
    def g(self):
        from lazy2 import x
async def h():
    with y:
        import lazy3
x = 1; import after
if x: import one_line
def i(): import lazy4
if TYPE_CHECKING: import typed4
"""


def test_imports_are_told_apart_by_where_they_stand():
    """Module level, inside a function, under TYPE_CHECKING, star."""
    assert kinds(WHERE_THEY_STAND) == {
        "top": EdgeKind.IMPORT,
        "stars": EdgeKind.STAR,
        "typed": EdgeKind.TYPING,
        "untyped": EdgeKind.IMPORT,
        "typed2": EdgeKind.TYPING,
        "typed3": EdgeKind.TYPING,
        "negated": EdgeKind.IMPORT,
        "either": EdgeKind.IMPORT,
        "tried": EdgeKind.IMPORT,
        "excepted": EdgeKind.IMPORT,
        "lazy": EdgeKind.LAZY,
        "in_class": EdgeKind.IMPORT,
        "lazy2": EdgeKind.LAZY,
        "lazy3": EdgeKind.LAZY,
        "after": EdgeKind.IMPORT,
        "one_line": EdgeKind.IMPORT,
        "lazy4": EdgeKind.LAZY,
        "typed4": EdgeKind.TYPING,
    }


@pytest.mark.parametrize(
    "text",
    [
        "We import the module and go on.",
        "to import x",
        "is imported from a import list, then",
        "from a import b, which is good.",
        "x = 'import a'",
        'x = "from a import b"',
        "reimport a",
        "import_a = b",
        "a.important = b",
        "from the start to the end",
    ],
)
def test_prose_is_not_taken_for_imports(text):
    """What could be no statement gives no import, though one too many would do no harm."""
    assert found(f'"""{text}\n{text}\n"""\n') == set()
    assert found(f"# {text}\n") == set()


def test_lazy_import_statements_are_found():
    """Python 3.15 has a keyword for them."""
    source = "lazy import a.b\nlazy from .c import d, e\nx = 1; lazy import f\n"
    assert kinds(source) == {"a.b": EdgeKind.LAZY, ".c": EdgeKind.LAZY, "f": EdgeKind.LAZY}
    assert kinds('"""\nSome lazy import a\n"""\n') == {}


def test_examples_in_docstrings_are_kept_apart():
    """They count only where pytest runs doctests."""
    facts = scan(b'def f():\n    """Do.\n\n    >>> import a\n    >>> from b import c\n    """\n')
    assert facts.imports == ()
    assert set(facts.doctests) == {
        Import("a", (), EdgeKind.IMPORT),
        Import("b", ("c",), EdgeKind.IMPORT),
    }


def test_dotted_names_in_strings_are_found():
    """mock.patch, INSTALLED_APPS, entry points: names with a dot, in quotes of either kind."""
    source = b"""
patch("a.b.C.d"); apps = ['d.e', "f.g"]
url = "https://x.y/z"; mail = 'me@x.y'; n = "1.2"; path = "a/b.c"; file = "setup.py"
serve("g.h:app"); lone = "word"; spaced = "a. b"; f"{a}.b"
"""
    assert set(scan(source).strings) == {"a.b.C.d", "d.e", "f.g", "g.h"}


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ('import_module("a")', "a"),
        ("importlib.import_module( 'a.b' )", "a.b"),
        ("importlib.import_module(\n    name='a.b',\n)", "a.b"),
        ('import_module(".b", "a")', "a.b"),
        ('import_module("..b", package="a.c")', "a.b"),
        ('import_module(".", "a.c")', "a.c"),
        ('import_module(".b", __package__)', ".b"),
        ('import_module(".b", package=__name__)', ".b"),
        ('import_module(r"a")', "a"),
        ('__import__("a")', "a"),
        ('__import__("a.b", globals(), locals(), ["c"])', "a.b"),
        ('x = pytest.importorskip("a", minversion="1")', "a"),
        ('importlib.util.find_spec("a")', "a"),
        ('pytest_plugins = "a"', "a"),
        ("pytest_plugins = ['b.c', 'a']", "a"),
        ('pytest_plugins: list[str] = [\n    "b",\n    "a",\n]', "a"),
        ('pytest_plugins = ("a",)', "a"),
        ('pytest_plugins += ["a"]', "a"),
    ],
)
def test_modules_named_to_importing_calls_are_imports_by_string(source, module):
    """Even without a dot: here a string can be nothing but a module's name."""
    facts = scan(source.encode())
    assert module in {one.module for one in facts.imports if one.kind is EdgeKind.STRING}
    assert not facts.computed


@pytest.mark.parametrize(
    "source",
    [
        "import_module(name)",
        'import_module("a." + name)',
        'import_module("a.%s" % name)',
        'import_module(f"a.{name}")',
        'import_module("a.{}".format(name))',
        'import_module(".a")',
        'import_module(".a", package)',
        'import_module(".a", package=self.package)',
        "__import__(name)",
        "__import__(\n    name)",
        "load = importlib.import_module",
        "map(import_module, names)",
        "from importlib import import_module as load\nload = import_module\n",
    ],
)
def test_a_computed_module_name_is_told(source):
    """Its file may need more than its text says."""
    assert scan(source.encode()).computed


@pytest.mark.parametrize(
    "source",
    [
        "from importlib import import_module",
        "from importlib import (import_module,\n)",
        "from importlib import (\n    import_module,\n)\nx = 1\n",
        "def import_module(name): pass",
        'patch("importlib.import_module")',
        "# see `import_module`",
        "pytest.importorskip(name)",
        "my_import_module_x(name)",
    ],
)
def test_merely_naming_an_importing_function_is_not_computing(source):
    """Only calling it, or handing it on, is."""
    assert not scan(source.encode()).computed


def test_names_that_a_package_exports_are_found():
    """`__all__` says which submodules a star import brings in."""
    source = b"__all__ = ['a', \"b\"]\n__all__ += ('c',)\n"
    assert scan(source).exports == ("a", "b", "c")


def test_facts_survive_being_stored():
    """Packing and unpacking are inverse, whatever is in the facts."""
    facts = scan(
        b'import a.b, c\nfrom .d import e as f, g\nfrom h import *\n__all__ = ["i"]\n'
        b'x = "j.k"; import_module(y)\nimport \xc3\xa9\n    >>> import l\n'
    )
    assert facts.computed
    assert facts.doctests
    assert unpack(pack(facts)) == facts


def test_facts_of_another_version_are_refused():
    """A newer program's facts are not misread."""
    with pytest.raises(ValueError, match="version"):
        unpack(b"0\n0a")


def test_many_sources_give_what_each_gives():
    """The bulk function is the single one, repeated."""
    sources = [text.encode() for text in STATEMENTS]
    assert scan_files(sources) == [scan_packed(source) for source in sources]


def test_module_names_stand_readable_in_stored_facts():
    """So that the files that mention a name can be searched for."""
    packed = scan_packed(b"from a.bcd import (efg,\n  hij as k)\nimport lmn.opq\npatch('r.stu')\n")
    for name in (b"a.bcd", b"efg", b"hij", b"lmn.opq", b"r.stu"):
        assert name in packed
