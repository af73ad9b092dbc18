"""What imports came to, then and now: which names a test must have mentioned to be affected."""

import json

import pytest

from affected.lang.python.outline import compare, outline
from affected.model.path import RepoPath
from affected.selection.values import SIGNATURES, Comparison, ImportValues, read_values

LIB, USER = RepoPath("lib.py"), RepoPath("user.py")
OLD = "RATE = 1\n\n\ndef price(tax=1):\n    return RATE\n"


def values(**modules):
    """Import values; a binding is (fingerprint, kind, refs, line)."""
    found = {
        f"{name}.py": {
            label.replace("__in__", "."): [one[0], one[1], list(one[2]), *one[3:]]
            for label, one in bindings.items()
        }
        for name, bindings in modules.items()
    }
    return read_values(json.dumps({"modules": found, "items": {}}).encode())


def moved(old, new, *, before=OLD, after=OLD, user="", dynamic=(), ran=False, reaches=True):
    """What is said of an edit of lib.py, for tests that loaded it and user.py."""
    then, now = outline(before.encode()), outline(after.encode())
    outlines = {LIB: then, USER: outline(user.encode())}
    comparison = Comparison(old, new, {LIB: compare(then, now)}, outlines.get, lambda _: reaches)
    return comparison.moved([LIB, USER], frozenset(dynamic), ran=ran)


def plain(fingerprint, *refs):
    return (fingerprint, "plain", refs)


def test_values_that_are_the_same_concern_nobody():
    """Other text, same values."""
    one = values(lib={"RATE": plain("a")}, user={})
    found = moved(one, one, after=OLD.replace("RATE = 1", "RATE = 2 - 1"))
    assert (found.names, found.widened) == (frozenset(), "")


def test_another_value_concerns_who_mentions_its_name():
    """In its own module and wherever it was imported to."""
    old = values(lib={"RATE": plain("a")}, user={"MINE": plain("a")})
    new = values(lib={"RATE": plain("b")}, user={"MINE": plain("b")})
    assert moved(old, new).names == {"RATE", "MINE"}


def test_another_default_concerns_who_entered_the_function_or_reads_signatures():
    """Not everyone who mentions the name."""
    old = values(lib={"price": ("a", "function", (), 4)}, user={})
    new = values(lib={"price": ("b", "function", (), 4)}, user={})
    found = moved(old, new)
    assert found.functions[LIB] == {4}
    assert found.names == SIGNATURES


def test_another_attribute_concerns_who_can_hold_the_class():
    """By its own name, a subclass's, or that of an instance made at import."""
    old = values(
        lib={"A": ("c", "class", ()), "A__in__x": plain("a")},
        user={"B": ("d", "class", ("lib.py:A",)), "MADE": plain("e", "user.py:B")},
    )
    new = values(
        lib={"A": ("c", "class", ()), "A__in__x": plain("b")},
        user={"B": ("d", "class", ("lib.py:A",)), "MADE": plain("e", "user.py:B")},
    )
    assert moved(old, new).names == {"x", "A", "B", "MADE"}


def test_a_statement_that_may_do_more_than_bind_concerns_all():
    """A bare call: what it did is nowhere to be seen."""
    one = values(lib={"RATE": plain("a")}, user={})
    assert moved(one, one, after=OLD + "print(RATE)\n").widened.startswith("side-effect: lib.py")


def test_a_module_read_by_computed_names_concerns_all_who_loaded_it():
    """Its reader mentions none of its names."""
    old = values(lib={"RATE": plain("a")}, user={})
    new = values(lib={"RATE": plain("b")}, user={})
    assert moved(old, new, dynamic=[LIB]).widened == "dynamic-import: lib.py"


def test_another_hook_of_pytest_concerns_all():
    """Nobody mentions a hook: pytest finds it."""
    old = values(lib={}, user={})
    new = values(lib={"pytest_runtest_setup": ("a", "function", (), 9)}, user={})
    assert moved(old, new).widened.startswith("pytest-hook: lib.py")


@pytest.mark.parametrize(
    ("user", "ran", "widened"),
    [
        ("import lib\nMINE = lib.RATE\n", False, True),
        ("import lib\nMINE = lib.OTHER\n", False, False),
        ("import lib\nMINE = lib.OTHER\n", True, False),
    ],
    ids=["mentions the name", "mentions others", "a function ran at import"],
)
def test_a_module_imported_after_collection_is_judged_by_its_text(user, ran, widened):
    """Its values are not known, so what its import may use counts."""
    old, new = values(lib={"RATE": plain("a")}), values(lib={"RATE": plain("b")})
    assert bool(moved(old, new, user=user, ran=ran).widened) is widened


def test_a_module_imported_late_on_one_occasion_is_not_compared():
    """Then by the end of collection, now later: a function that ran at import may matter."""
    old, new = values(lib={}, user={"MINE": plain("a")}), values(lib={})
    assert moved(old, new).widened == ""
    assert moved(old, new, ran=True).widened == "imported-late: user.py"
    assert moved(old, new, ran=True, reaches=False).widened == ""


def test_values_that_cannot_be_told_count_where_a_function_ran_at_import():
    """Equal fingerprints of an iterator prove nothing."""
    one = values(lib={"NEXT": ("a", "opaque:iterator", ())}, user={})
    assert moved(one, one).names == frozenset()
    assert moved(one, one, ran=True).names == {"NEXT"}


def test_damaged_values_are_none():
    """Whatever is wrong with them."""
    assert read_values(b"{") is None
    assert read_values(b"not compressed") is None
    assert read_values(json.dumps({"modules": {"a": {"b": [1]}}, "items": {}}).encode()) is None
    assert read_values(b'{"modules":{},"items":{}}') == ImportValues({}, {})
