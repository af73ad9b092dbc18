"""Manifests: what the digest covers, the explanation tells, and the difference names."""

import pytest

from affected.hashing.manifest import Difference, Manifest, Section, difference, render

OLD = Manifest(
    (
        Section("tool", (("format", 1),)),
        Section("plugins", (("pytest", "8.3"), ("xdist", "3.6"))),
        Section("environment", ()),
    )
)
NEW = Manifest(
    (
        Section("tool", (("format", 1),)),
        Section("plugins", (("pytest", "8.4"), ("cov", "6.0"))),
        Section("environment", ()),
    )
)


def test_the_explanation_shows_every_item():
    """One line a section and one an item, in the order in which they are digested."""
    assert OLD.explanation() == [
        "tool:",
        "  format = 1",
        "plugins:",
        "  pytest = 8.3",
        "  xdist = 3.6",
        "environment: nothing",
    ]


def test_a_difference_names_what_changed_came_and_went():
    """Each with the value it had and the value it has."""
    found = difference(OLD, NEW)
    assert found == [
        Difference("plugins", "pytest", "8.3", "8.4"),
        Difference("plugins", "cov", None, "6.0"),
        Difference("plugins", "xdist", "3.6", None),
    ]
    assert list(map(str, found)) == [
        "plugins: pytest changed: 8.3 → 8.4",
        "plugins: cov added: 6.0",
        "plugins: xdist removed: 3.6",
    ]


def test_another_order_is_a_difference():
    """Order is part of a manifest, so a difference never hides it."""
    turned = Manifest(
        (OLD.sections[0], Section("plugins", OLD.sections[1].items[::-1]), OLD.sections[2])
    )
    assert difference(OLD, turned) == [
        Difference("plugins", "order", "[pytest, xdist]", "[xdist, pytest]")
    ]
    sections = Manifest(OLD.sections[::-1])
    assert [found.section for found in difference(OLD, sections)] == ["manifest"]
    assert turned.digest() != OLD.digest() != sections.digest()


def test_equal_manifests_have_no_difference():
    """Nothing to tell, and the same digest."""
    assert difference(OLD, Manifest(OLD.sections)) == []
    assert Manifest(OLD.sections).digest() == OLD.digest()


def test_a_value_of_another_type_is_a_difference():
    """1, "1" and True look alike and are not."""
    variants = [Manifest((Section("s", (("n", value),)),)) for value in (1, "1", True, b"1", (1,))]
    assert len({manifest.digest() for manifest in variants}) == len(variants)
    for one in variants:
        assert [bool(difference(one, other)) for other in variants].count(False) == 1


def test_a_name_can_be_given_once():
    """Two items, or two sections, of one name could not be told apart."""
    with pytest.raises(ValueError, match="twice"):
        Section("s", (("n", 1), ("n", 2)))
    with pytest.raises(ValueError, match="twice"):
        Manifest((Section("s", ()), Section("s", ())))


def test_stored_bytes_come_back_and_damaged_ones_do_not():
    """Every cut and every other format is refused."""
    stored = NEW.to_bytes()
    assert Manifest.from_bytes(stored) == NEW
    for end in range(len(stored)):
        with pytest.raises(ValueError, match=r"manifest|canonical"):
            Manifest.from_bytes(stored[:end])
    with pytest.raises(ValueError, match="format"):
        Manifest.from_bytes(stored.replace(b"affected.manifest.1", b"affected.manifest.0"))
    for odd in (
        b"n",
        b"l2:s19:affected.manifest.1l1:n",
        b"l2:s19:affected.manifest.1l1:l2:s1:al1:n",
    ):
        with pytest.raises(ValueError, match="manifest"):
            Manifest.from_bytes(odd)


def test_values_are_shown_on_one_printable_line():
    """Control characters and undecodable bytes are escaped, long values cut, empty ones named."""
    assert render("a\nb\t\udcff") == "a\\nb\\t\\xff"
    assert render("") == "(empty)"
    assert render(None) == "nothing"
    assert render({"b": (1, None), "a": b"\x00"}) == "{a: 00, b: [1, nothing]}"
    assert len(render("x" * 1000)) == 200
    assert render("\ud800").isprintable()
