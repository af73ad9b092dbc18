"""Which of many byte strings contain one of many others, in time that hardly grows with either.

Unaware of what the byte strings mean. Everything is taken apart into words; the needles are
looked for in the list of distinct words, which is short, and then only words are compared.
"""

from __future__ import annotations

from collections.abc import Iterable

# Letters, digits, "_" and all bytes above 127 make words; whatever else stands between them.
_ASCII = 128
_WORDLY = b"_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SPACED = bytes(b if b >= _ASCII or b in _WORDLY else 32 for b in range(256))


class Mentions:
    """The needles, each under the longest of its words."""

    def __init__(self, needles: Iterable[bytes]) -> None:
        """ValueError for a needle without a single letter, digit or "_"."""
        self._by_part: dict[bytes, list[bytes]] = {}
        for needle in needles:
            self._by_part.setdefault(max(words(needle), key=len), []).append(needle)
        self._by_word: dict[bytes, set[bytes]] = {}

    def learn(self, vocabulary: Iterable[bytes]) -> None:
        """Find the words that hold a part of a needle; `vocabulary` is all words there are."""
        text = b" " + b" ".join(vocabulary) + b" "
        for part, needles in self._by_part.items():
            at = text.find(part)
            while at >= 0:
                end = text.index(b" ", at)
                word = text[text.rindex(b" ", 0, at) + 1 : end]
                self._by_word.setdefault(word, set()).update(needles)
                at = text.find(part, end)

    def occur_in(self, content: bytes) -> bool:
        """True when `content`, whose words were learnt, contains a needle."""
        by_word = self._by_word
        found = by_word.keys() & words(content)
        return any(needle in content for word in found for needle in by_word[word])


def words(content: bytes) -> list[bytes]:
    """The words of `content`, in order, with repetitions."""
    return content.translate(_SPACED).split()
