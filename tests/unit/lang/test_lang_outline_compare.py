"""What differs between two outlines, in the terms of the old one."""

from __future__ import annotations

import textwrap

import pytest

from affected.lang.python.outline import OutlineChange, compare, outline

OLD = textwrap.dedent(
    """
    '''module'''
    import a
    X = 1
    Y = [X for _ in a]
    def f(p=1):
        '''doc'''
        return X + p
    class A:
        z = 1
        def m(self):
            return f()
    register(A)
    B = A()
    if __name__ == "__main__":
        main()
    """
)


def compared(old: str, new: str) -> OutlineChange:
    before, after = outline(old.encode()), outline(new.encode())
    assert before is not None
    assert after is not None
    return compare(before, after)


def edited(text: str, by: str) -> OutlineChange:
    assert text in OLD
    return compared(OLD, OLD.replace(text, by, 1))


def test_comments_and_blank_lines_are_quiet_and_lines_follow():
    """Old lines lead to the new ones."""
    change = edited("import a", "import a  # why\n\n")
    assert change.quiet
    assert not change.module_level
    assert change.lines == {6: 8, 11: 13}


def test_a_body_names_its_block_alone():
    """Nothing else of the file differs."""
    change = edited("return X + p", "return X - p")
    assert change.bodies == {6}
    assert change.lines == {11: 11}
    assert not change.module_level
    assert not change.functions
    assert not change.quiet


@pytest.mark.parametrize(
    ("text", "by", "names"),
    [
        ("X = 1", "X = 2", {("", "X")}),
        ("z = 1", "z = 2", {("A", "z")}),
        ("import a", "import a, b", {("", "a"), ("", "b")}),
        ("class A:", "class A(list):", {("", "A")}),
        ("    z = 1\n", "", {("A", "z")}),
        ("B = A()", "B = A()\nC = 1", {("", "C")}),
        ("B = A()", "B = A()\ndef g(): pass", {("", "g")}),
    ],
)
def test_a_statement_that_differs_names_what_it_binds(text, by, names):
    """With the class that owns it."""
    change = edited(text, by)
    assert change.names == names
    assert change.module_level
    assert not change.bodies
    assert not change.effects


def test_a_default_is_a_matter_of_the_definition():
    """The body is the same."""
    change = edited("p=1", "p=2")
    assert (change.functions, change.bodies, change.names) == ({6}, set(), {("", "f")})


def test_a_parameter_is_a_matter_of_both():
    """The shape is part of either."""
    change = edited("p=1", "p=1, q=2")
    assert (change.functions, change.bodies, change.names) == ({6}, {6}, {("", "f")})


def test_a_function_that_is_gone_has_no_line():
    """Body, definition and name count."""
    change = edited("    def m(self):\n        return f()\n", "")
    assert (change.functions, change.bodies, change.names) == ({11}, {11}, {("A", "m")})


def test_a_docstring_alone():
    """Of a function, and of the module."""
    assert edited("'''doc'''", "'''dok'''").docs == {"f"}
    assert edited("'''module'''\n", "").docs == {""}
    change = edited("class A:", "class A:\n    'doc'")
    assert change.docs == {"A"}
    assert not change.module_level
    assert not change.quiet


def test_statements_that_do_more_are_told_in_words():
    """New, gone or different."""
    assert edited("register(A)", "register(A, 1)").effects == (
        "line 13: register(A)",
        "line 13: register(A, 1)",
    )
    assert edited("register(A)\n", "").effects == ("line 13: register(A)",)
    assert edited("B = A()", "if a(): pass").effects == ("line 14: compound",)


def test_what_runs_as_a_script_only_is_told_apart():
    """It is no import's matter, and no nothing."""
    change = edited("main()", "other()")
    assert change.script
    assert not change.module_level
    assert not change.quiet


def test_code_inside_of_a_value_is_told():
    """A comprehension that differs, but not one that stays."""
    assert edited("[X for _ in a]", "[X + 1 for _ in a]").inline
    assert not edited("X = 1", "X = 2").inline


def test_statements_that_moved_past_what_they_have_to_do_with_count():
    """An order that matters."""
    change = compared("X = 1\nY = X\nZ = 2\n", "Y = X\nX = 1\nZ = 2\n")
    assert change.names == {("", "X"), ("", "Y")}
    change = compared("f()\nX = 1\n", "X = 1\nf()\n")
    assert change.effects == ("line 1, moved: f()",)
    assert change.names == {("", "X")}
    change = compared("x = 1\nx = 2\n", "x = 2\nx = 1\n")
    assert change.names == {("", "x")}


def test_the_second_of_two_alike_is_told_by_its_place():
    """A repeated statement is counted, not looked up."""
    change = compared("f()\nx = 1\nf()\n", "f()\nx = 1\n")
    assert change.effects == ("line 3: f()",)
