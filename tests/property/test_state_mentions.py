"""Searching for many needles at once against `in`."""

from hypothesis import given
from hypothesis import strategies as st

from affected.state.mentions import Mentions, words

# Few different bytes, so that needles are often found: letters, separators, bytes above 127.
BYTES = st.lists(st.sampled_from(b"ab_0. \x00\x80\xc3\n"), max_size=8).map(bytes)


@given(st.lists(BYTES, max_size=6), st.lists(BYTES.filter(words), max_size=6))
def test_what_occurs_is_what_is_contained(contents, needles):
    """No more and no less, for needles with at least one word."""
    mentions = Mentions(needles)
    mentions.learn({word for content in contents for word in words(content)})
    for content in contents:
        assert mentions.occur_in(content) == any(needle in content for needle in needles)
