"""What imports came to, then and now: which names a test must have mentioned to be affected."""

import json

import pytest

from affected.lang.python.outline import compare, outline
from affected.model.path import RepoPath
from affected.selection.import_values import ImportValues, read_values
from affected.selection.values import SIGNATURES, Comparison

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


def moved(
    old, new, *, before=OLD, after=OLD, user="", dynamic=(), ran=False, reaches=True, spelled=()
):
    """What is said of an edit of lib.py, for tests that loaded it and user.py."""
    then, now = outline(before.encode()), outline(after.encode())
    outlines = {LIB: then, USER: outline(user.encode())}
    comparison = Comparison(
        old,
        new,
        {LIB: compare(then, now)},
        outlines.get,
        lambda _: reaches,
        lambda names: {*names} & {*spelled},
    )
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
    assert found.spelled == SIGNATURES
    assert found.names == set()


def attribute_moved(kind="class", attribute="x", **more):
    """Another value of an attribute of lib.py's A; user.py has a subclass and an instance of it."""
    holders = {"B": ("d", "class", ("lib.py:A",)), "MADE": plain("e", "user.py:B")}
    old, new = (
        values(lib={"A": ("c", kind, ()), f"A__in__{attribute}": plain(print_)}, user=holders)
        for print_ in "ab"
    )
    return moved(old, new, **more)


def test_another_attribute_concerns_who_mentions_it():
    """By computed names: who got hold of the class, a subclass, or an instance made at import."""
    found = attribute_moved()
    assert (found.names, found.attributes) == (set(), {"x"})
    assert found.reach >= {"A", "B", "MADE"}
    assert found.unspelled == {"x": {"A", "B", "MADE"}}


@pytest.mark.parametrize(
    "more",
    [{"kind": "class:library"}, {"attribute": "__call__"}, {"spelled": ["x"]}],
    ids=["a library made it", "the interpreter looks it up", "a library spells it"],
)
def test_an_attribute_that_unseen_code_may_read_concerns_who_holds_the_class(more):
    """Nobody sees which names a library reads."""
    assert attribute_moved(**more).names == {"A", "B", "MADE"}


def test_code_that_computes_names_counts_for_its_own_module_and_for_whom_it_holds():
    """A module's own functions, and who mentions a name that stands for the module."""
    old = values(lib={"RATE": plain("a")}, user={"l": ("m", "module", ("lib.py",))})
    new = values(lib={"RATE": plain("b")}, user={"l": ("m", "module", ("lib.py",))})
    found = moved(old, new)
    assert found.homes == {LIB}
    assert found.reach >= {"lib", "l", "modules"}


def test_a_submodule_that_was_not_imported_this_time_is_no_other_value():
    """Fewer test files are collected, so that fewer modules are imported."""
    old = values(lib={"sub": ("s", "module", ("sub.py",))}, sub={}, user={})
    assert not moved(old, values(lib={}, user={})).is_named


def test_a_module_whose_getattr_remembers_what_it_found_concerns_all():
    """It is not asked again, so that later tests do not enter it."""
    lazy = {"__getattr__": ("g", "function", (), 4), "TABLE": plain("a")}
    text = "TABLE = 1\n\n\ndef __getattr__(name):\n    globals()[name] = TABLE\n"
    old, new = values(lib=lazy, user={}), values(lib={**lazy, "TABLE": plain("b")}, user={})
    assert moved(old, new, before=text, after=text).widened == "module-getattr: lib.py"
    plainly = text.replace("globals()[name] =", "return")
    assert moved(old, new, before=plainly, after=plainly).names == {"TABLE"}


def test_a_statement_that_may_do_more_than_bind_concerns_all():
    """A bare call: what it did is nowhere to be seen."""
    one = values(lib={"RATE": plain("a")}, user={})
    assert moved(one, one, after=OLD + "print(RATE)\n").widened.startswith("side-effect: lib.py")


def test_a_module_read_by_computed_names_concerns_all_who_loaded_it():
    """Its reader mentions none of its names."""
    old = values(lib={"RATE": plain("a")}, user={})
    new = values(lib={"RATE": plain("b")}, user={})
    assert moved(old, new, dynamic=[LIB]).widened == "dynamic-import: lib.py"


def test_a_module_of_which_unseen_code_imports_names_concerns_all_when_one_of_these_moved():
    """Generated code: the name is seen, what is made of it is not."""
    old, new = values(lib={"RATE": plain("a")}), values(lib={"RATE": plain("b")})
    assert moved(old, new, dynamic=["lib.py:RATE"]).widened == "dynamic-import: lib.py"
    assert moved(old, new, dynamic=["lib.py:price"]).widened == ""
    assert moved(old, new, dynamic=["lib.py", "lib.py:price"]).widened == "dynamic-import: lib.py"


def test_a_name_that_was_not_there_has_no_docstring_that_changed():
    """Only its name counts."""
    old = values(lib={}, user={})
    new = values(lib={"f": ("a", "function", (), 9), "f__in____doc__": ("b", "doc", ())}, user={})
    assert moved(old, new).spelled == set()


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
