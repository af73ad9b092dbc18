"""The canonical encoding: one value, one byte string, whatever the order and the process."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affected.hashing.canonical import decode, encode
from affected.hashing.manifest import Manifest, Section, difference

TEXT = st.text(st.characters(codec=None), max_size=6)
PLAIN = st.none() | st.booleans() | st.integers() | TEXT | st.binary(max_size=6)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4).map(tuple) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
ITEMS = st.lists(st.tuples(TEXT, VALUES), max_size=4, unique_by=lambda item: item[0])
MANIFESTS = st.lists(
    st.builds(Section, TEXT, ITEMS.map(tuple)), max_size=4, unique_by=lambda s: s.name
).map(lambda sections: Manifest(tuple(sections)))


def typed(value):
    """`value` with its types spelt out: 1, True and 1.0 are equal to Python, not to us."""
    if isinstance(value, tuple):
        return ("tuple", tuple(map(typed, value)))
    if isinstance(value, dict):
        return ("dict", frozenset((key, typed(item)) for key, item in value.items()))
    return (type(value).__name__, value)


@given(VALUES)
def test_what_is_encoded_decodes_to_itself(value):
    """So no two values can share their bytes."""
    assert typed(decode(encode(value))) == typed(value)


@given(VALUES, VALUES)
def test_bytes_are_equal_exactly_when_values_are(one, other):
    """Types included."""
    assert (encode(one) == encode(other)) == (typed(one) == typed(other))


@given(VALUES, VALUES)
def test_no_encoding_starts_another(one, other):
    """Values written one after the other can be taken apart again."""
    if typed(one) != typed(other):
        assert not encode(one).startswith(encode(other))


@given(st.dictionaries(TEXT, VALUES, max_size=6), st.randoms())
def test_the_order_of_a_mapping_does_not_count(mapping, random):
    """At no level."""
    items = list(mapping.items())
    random.shuffle(items)
    assert encode((dict(items),)) == encode((mapping,))


@given(
    st.binary(max_size=40)
    | VALUES.map(encode).flatmap(
        lambda raw: st.integers(0, max(len(raw) - 1, 0)).map(lambda end: raw[:end] + raw[end + 1 :])
    )
)
def test_foreign_bytes_are_refused_or_canonical(raw):
    """Nothing but ValueError comes out of damaged bytes, and no second spelling is let in."""
    try:
        value = decode(raw)
    except ValueError:
        return
    assert encode(value) == raw


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"x",
        b"i;",
        b"i01;",
        b"i+1;",
        b"s02:ab",
        b"s-1:",
        b"s3:ab",
        b"l1:",
        b"b9999999:",
        b"m1:nn",
        b"m2:s1:bns1:an",
        b"m2:s1:ans1:an",
        b"nn",
        b"l1000000000000:",
        b"i1",
    ],
)
def test_other_spellings_are_refused(raw):
    """Leading zeros, signs, unsorted or repeated keys, counts beyond the end."""
    with pytest.raises(ValueError, match=r"canonical|invalid literal"):
        decode(raw)


def test_deep_nesting_is_refused_not_fatal():
    """Bytes from a shared cache cannot exhaust the stack."""
    with pytest.raises(ValueError, match="deep"):
        decode(b"l1:" * 100_000 + b"n")


@pytest.mark.parametrize("value", [1.5, [1], {1: "a"}, {1, 2}, object(), ((1.0,),)])
def test_values_without_one_spelling_are_refused(value):
    """Floats, lists, sets and keys that are no strings have no canonical bytes."""
    with pytest.raises(TypeError):
        encode(value)


@given(MANIFESTS, MANIFESTS)
def test_difference_digest_and_bytes_agree_on_what_is_equal(one, other):
    """What the digest tells apart the difference can name, and the other way round."""
    same = typed(tuple((s.name, s.items) for s in one.sections)) == typed(
        tuple((s.name, s.items) for s in other.sections)
    )
    assert (one.digest() == other.digest()) == same
    assert (one.to_bytes() == other.to_bytes()) == same
    assert (not difference(one, other)) == same
    assert Manifest.from_bytes(one.to_bytes()).digest() == one.digest()
    assert len(one.explanation()) == len(one.sections) + sum(len(s.items) for s in one.sections)
