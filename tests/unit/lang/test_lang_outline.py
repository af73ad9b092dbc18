"""What an outline says of small sources."""

from __future__ import annotations

import dataclasses
import textwrap
import zlib

import pytest

from affected.lang.python.outline import Outline, block_at, mentions_any, outline, pack, unpack


def outlined(source: str) -> Outline:
    found = outline(textwrap.dedent(source).encode())
    assert found is not None
    return found


def block(source: str, key: str):
    return next(one for one in outlined(source).blocks if one.key == key)


def mentions(body: str) -> frozenset[str]:
    """The mentions of a function's body."""
    return block("def f(x, n):\n" + textwrap.indent(textwrap.dedent(body), "    "), "f").mentions


def statements(source: str):
    return outlined(source).statements


def test_every_function_is_a_block_and_a_second_one_of_a_name_is_numbered():
    """Paths are those of __qualname__; lambdas and comprehensions are no blocks."""
    found = outlined(
        """
        def f():
            def g(): return lambda: [i for i in x]
            class C:
                def m(self): ...
            return g
        class A:
            @property
            def p(self): ...
            @p.setter
            def p(self, v): ...
        async def f(): ...
        """
    )
    assert [(one.key, one.first, one.last) for one in found.blocks] == [
        ("f", 2, 6),
        ("f.<locals>.g", 3, 3),
        ("f.<locals>.C.m", 5, 5),
        ("A.p", 8, 9),
        ("A.p#2", 10, 11),
        ("f#2", 12, 12),
    ]


def test_a_line_leads_to_the_function_whose_body_has_it():
    """A lambda in a decorator or a default belongs to what encloses the function."""
    found = outlined(
        """
        def f():
            @d(lambda: 1)
            def g(
                x=lambda: 2,
            ):
                return lambda: 3
            return lambda: 4
        y = lambda: 5
        """
    )
    told = {line: block_at(found, line) for line in (3, 5, 7, 8, 9)}
    keys = {line: one and one.key for line, one in told.items()}
    assert keys == {3: "f", 5: "f", 7: "f.<locals>.g", 8: "f", 9: None}


def test_a_source_that_does_not_parse_has_no_outline():
    """Broken syntax, a wrong encoding and a null byte alike."""
    assert outline(b"def f(:\n") is None
    assert outline(b"# coding: nonsense\n") is None
    assert outline(b"x = 1\0") is None
    assert outline(b"x = " + b"(" * 5000 + b")" * 5000) is None


def test_a_long_chain_of_operators_is_walked():
    """Depth of the tree is no depth of the stack."""
    assert outline(b"def f():\n    return " + b" + ".join([b"x"] * 900)) is not None


def test_an_empty_source_has_an_empty_outline():
    """Nothing is something: it differs from no outline."""
    assert outline(b"") == Outline((), (), {})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "1.0"),
        ("1", "True"),
        ("0.0", "-0.0"),
        ("'a'", "b'a'"),
        ("...", "None"),
        ("1", "1j"),
        ("'a', 'bc'", "'ab', 'c'"),
        ("f'{x}a'", "f'{x!r}a'"),
        ("f'{x:>1}'", "f'{x:>2}'"),
        ("x.y", "y.x"),
        ("f(x, y)", "f(x, y=y)"),
        ("f(*x)", "f(**x)"),
        ("x < y < z", "x < (y < z)"),
        ("x[1:2]", "x[1:2:3]"),
        ("x[:1]", "x[1:]"),
        ("{**x}", "{x: x}"),
        ("lambda x: x", "lambda *x: x"),
        ("lambda x=1, *, y: x", "lambda x, *, y=1: x"),
        ("(x for x in y if z)", "(x for x in y for _ in z)"),
        ("[x for x in y]", "{x for x in y}"),
        ("x or y", "x and y"),
        ("not x", "~x"),
        ("x + (y + z)", "x + y + z"),
    ],
)
def test_expressions_that_mean_something_else_have_other_digests(one, other):
    """Kind and value of constants are exact, and so is the tree."""
    assert (
        block(f"def f(): return {one}", "f").digest != block(f"def f(): return {other}", "f").digest
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1  # why", "x=(1)"),
        ("return 'a' 'b'", "return 'ab'"),
        ("return u'a'", "return 'a'"),
        ("return 0x10", "return 16"),
        ("'''doc'''; return 1", "'''other'''; return 1"),
        ("'''doc'''", "pass"),
        ("if x:\n        pass", "if x:\n        ..."),
        ("return f'a' 'b'", "return f'ab'"),
    ],
)
def test_bodies_that_the_interpreter_sees_alike_have_one_digest(one, other):
    """Formatting, docstrings, bare constants and pass are nothing."""
    assert block(f"def f():\n    {one}", "f").digest == block(f"def f():\n    {other}", "f").digest


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(a): pass", "def f(*, a): pass"),
        ("def f(a, b): pass", "def f(a, /, b): pass"),
        ("def f(a): pass", "def f(b): pass"),
        ("def f(): pass", "async def f(): pass"),
        ("def f(): return x", "def f():\n    yield x"),
        ("def f(): x = 1", "def f():\n    global x\n    x = 1"),
    ],
)
def test_the_shape_tells_kind_parameters_and_scopes(one, other):
    """What a caller or a closure depends on."""
    assert block(one, "f").shape != block(other, "f").shape


def test_a_yield_in_a_lambda_makes_no_generator():
    """It is the lambda that is one."""
    assert block("def f(): return lambda: (yield)", "f").shape == block("def f(): pass", "f").shape


def test_a_name_that_an_enclosing_function_comes_to_bind_changes_the_shape():
    """The inner body reads the same, and means another variable."""
    inner = "    def g(): return x\n    return g"
    key = "f.<locals>.g"
    free = block(f"def f():\n    x = 1\n{inner}", key)
    globally = block(f"def f():\n    y = 1\n{inner}", key)
    assert free.digest == globally.digest
    assert free.shape != globally.shape


def test_defaults_and_decorators_of_a_nested_function_belong_to_the_enclosing_body():
    """And its own body does not."""
    first = "def f():\n    @d\n    def g(a=1) -> int: return 1\n"
    for old, new, outer, inner in (
        ("a=1", "a=2", True, False),
        ("@d", "@e", True, False),
        ("int", "str", True, False),
        ("return 1", "return 2", False, True),
    ):
        second = first.replace(old, new)
        assert (block(first, "f").digest != block(second, "f").digest) is outer, new
        key = "f.<locals>.g"
        assert (block(first, key).digest != block(second, key).digest) is inner, new


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("x.a.b", {"x", "a", "b"}),
        ("x(key=1)", {"key"}),
        ("import p.q as r", {"p", "q"}),
        ("from .p import q as r", {"@p", "q", "r"}),
        ("print('{x.size} of %(total)s')", {"size", "total"}),
        ("patch('p.q.Klass')", {"p", "q", "Klass"}),
        ("load('p.q:main')", {"p", "main"}),
        ("y: 'dict[str, Foo]' = {}", {"Foo", "dict"}),
        ("match x:\n    case P(a=1): pass", {"P", "a"}),
        ("getattr(x, f'visit_{n}')", {"visit_*", "getattr"}),
        ("getattr(x, 'visit_' + n)", {"visit_*"}),
        ("getattr(x, 'visit_%s_end' % n)", {"visit_*"}),
        ("getattr(x, 'visit_{}'.format(n))", {"visit_*"}),
        ("getattr(x, 'a' if n else 'b')", {"a", "b"}),
        ("getattr(x, n)", {"*"}),
        ("getattr(*x)", {"*"}),
        ("map(getattr, x)", {"*"}),
        ("importlib.import_module('plugins.one')", {"plugins", "one"}),
        ("operator.attrgetter(*n)", {"*"}),
        ("super().__setattr__(n, 1)", {".*"}),
        ("getattr(self, n)", {".*"}),
        ("getattr(type(self), n)", {".*"}),
        ("hasattr(cls, n)", {".*"}),
        ("vars(self)", {".*"}),
        ("self.__dict__", {".*"}),
        ("exec(code, space)", {".*"}),
        ("vars(x)", {"*"}),
        ("exec(code)", {"*"}),
        ("exec(code, globals())", {"*"}),
        ("help(x)", {"help()"}),
        ("x.__dict__", {"*"}),
        ("getattr(x, '__dict__')", {"*"}),
        ("eval(x)", {"*"}),
        ("return [lambda: y for z in t]", {"y", "t"}),
    ],
)
def test_whatever_may_be_looked_up_is_mentioned(body, names):
    """Names, attributes, keywords, imports, names in text, and computed ones."""
    assert names <= mentions(body)


@pytest.mark.parametrize(
    "body", ["getattr(x, 'a')", "setattr(x, 'a', n)", "object.__setattr__(x, 'a', n)", "x.eval(n)"]
)
def test_reflection_by_a_literal_is_no_reflection(body):
    """The name is mentioned, and no other."""
    assert "*" not in mentions(body)


@pytest.mark.parametrize(
    "body",
    [
        "getattr(self, n)",
        "vars(self)",
        "vars = x.pop(); vars.y",
        "exec(code, space)",
        "importlib.import_module(n)",
    ],
)
def test_what_reads_no_module_by_computed_names_mentions_not_any_name(body):
    """An instance's attributes, a namespace that is given, a variable called like a builtin."""
    assert "*" not in mentions(body)


def test_a_private_name_is_mentioned_and_bound_as_the_class_mangles_it():
    """Inside a class alone, its methods included."""
    source = "class _A:\n    __x = 1\n    def f(self): return self.__x"
    assert {"__x", "_A__x"} <= block(source, "_A.f").mentions
    assert statements(source)[1].names == ("_A__x",)


def test_computed_attributes_may_be_any():
    """Who enters __getattr__ may look up whatever there is."""
    found = block("class A:\n    def __getattr__(self, name): return self.f(name)", "A.__getattr__")
    assert mentions_any(found.mentions, [], ["whatever"])
    assert not mentions_any(found.mentions, ["a_name_of_a_module"])


def test_what_texts_spell_at_import_is_told_from_what_code_says():
    """A table of names or a template, which unseen code may look names up by."""
    (found,) = outline(b"FIELDS = [size, 'colour', '{x.weight}']\n").statements
    assert {"'colour", "'weight", "colour", "size"} <= found.mentions
    assert "'size" not in found.mentions


def test_a_modules_getattr_mentions_what_it_says():
    """It is asked for what the module has not; what it looks up stands in it."""
    found = block("def __getattr__(name):\n    return TABLE[name]\n", "__getattr__")
    assert found.mentions == {"TABLE", "name"}


def test_a_beginning_matches_the_names_that_start_so():
    """And an empty set of names is mentioned by nobody."""
    assert mentions_any(frozenset({"visit_*", "x"}), ["visit_Name"])
    assert not mentions_any(frozenset({"visit_*", "x"}), ["leave_Name"])
    assert mentions_any(frozenset({"x"}), {"x": 1})
    assert not mentions_any(frozenset({"*"}), [])


@pytest.mark.parametrize(
    ("source", "names", "kind", "effect"),
    [
        ("import a.b, c as d", ("a", "d"), "import", False),
        ("from __future__ import annotations", ("annotations",), "import", True),
        ("from a import *", ("*",), "import", False),
        ("x = y = f()", ("x", "y"), "assign", False),
        ("(a, [b, *c]) = z", ("a", "b", "c"), "assign", False),
        ("x: int", ("x",), "assign", False),
        ("x += 1", ("x",), "assign", False),
        ("a.b = 1", (), "assign", True),
        ("a, b[0] = z", ("a",), "assign", True),
        ("@f(1)\ndef g(x=h()): pass", ("g",), "function", False),
        ("f((y := 1))", ("y",), "expression", True),
        ("x = [y := i for i in z]", ("x", "y"), "assign", False),
        ("f()", (), "expression", True),
        ("del x", ("x",), "other", True),
        ("raise X", (), "other", True),
        ("assert f()", (), "other", True),
        ("with a as (b, c): d = 1", ("b", "c", "d"), "compound", True),
        ("for i, j in x: y = 1", ("i", "j", "y"), "compound", False),
        ("for i in x: y(i)", ("i",), "compound", True),
        ("if x: a = 1\nelse: b = 1", ("a", "b"), "compound", False),
        ("if TYPE_CHECKING: f()", (), "compound", False),
        ("if TYPE_CHECKING: import a\nelse: f()", ("a",), "compound", True),
        ("if __name__ == '__main__': main()", (), "compound", False),
        ("try: import a\nexcept E as e: a = None", ("a", "e"), "compound", False),
        (
            "match x:\n  case {'k': a, **b}: pass\n  case [*c]: d = 1",
            ("a", "b", "c", "d"),
            "compound",
            False,
        ),
        ("if x:\n  class A:\n    f()", ("A",), "compound", True),
    ],
)
def test_a_statement_tells_what_it_binds_and_whether_it_does_more(source, names, kind, effect):
    """By its own form; what a call in a value does is judged by the value."""
    (found,) = statements(source)
    assert (set(found.names), found.kind, found.effect) == (set(names), kind, effect)


def test_class_bodies_are_flattened():
    """The class statement stands for itself, each statement of its body for the class's."""
    found = statements(
        """
        class A(B):
            '''doc'''
            x = 1
            class C:
                y = 2
            def f(self): pass
        """
    )
    assert [(one.owner, one.names) for one in found] == [
        ("", ("A",)),
        ("A", ("x",)),
        ("A", ("C",)),
        ("A.C", ("y",)),
        ("A", ("f",)),
    ]
    assert not any(one.effect for one in found)


def test_code_that_may_run_later_is_told():
    """A lambda, comprehension or generator expression in what runs at import."""
    assert [one.inline for one in statements("a = lambda: 1\nb = [i for i in c]\nd = 1")] == [
        True,
        True,
        False,
    ]


def test_docstrings_are_kept_by_key():
    """Of the module, classes and functions, wherever these stand."""
    found = outlined("'m'\nclass A:\n  'a'\n  def f(self):\n    'f'\n    class B: 'b'\n")
    assert set(found.docs) == {"", "A", "A.f", "A.f.<locals>.B"}


def test_a_damaged_or_foreign_stored_outline_is_none():
    """Never an error: it is made anew."""
    packed = pack(outlined("def f(): return 1\nf()\n'''x'''"))
    assert unpack(packed) is not None
    assert unpack(packed[:-3]) is None
    assert unpack(packed + b"x") is None
    assert unpack(b"") is None
    assert unpack(zlib.compress(b'["0",[],[],[],{}]')) is None
    assert unpack(zlib.compress(b'{"a":1}')) is None
    assert unpack(zlib.compress(b'["1",[],[[1]],[],{}]')) is None


def test_an_outline_cannot_be_altered():
    """It is a value."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        outlined("").docs = {}  # type: ignore[misc]
