"""What a run may lose, and what gives some of it back."""

from __future__ import annotations

import pytest

from affected.cache.patience import Leisure, Patience, Reply
from affected.errors import CallFailed


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Answers:
    """Replies that take a while each, of a clock's time; None never comes."""

    def __init__(self, clock, *seconds):
        self.clock, self.seconds, self.cancelled = clock, list(seconds), False

    def next(self, seconds):
        if not self.seconds:
            return None
        wait = self.seconds.pop(0)
        self.clock.now += seconds if wait is None else min(wait, seconds)
        if wait is None or wait > seconds:
            raise TimeoutError
        return Reply(0, b"x")

    def cancel(self):
        self.cancelled = True


def test_waiting_uses_it_up():
    """All waiting of a run together; then the call is given up."""
    clock = Clock()
    patience = Patience(2.0, clock)
    assert len(list(patience.follow(Answers(clock, 0.5, 0.5)))) == 2
    answers = Answers(clock, 0.5, 0.6, 0.1)
    got = patience.follow(answers)
    next(got)
    with pytest.raises(CallFailed) as failed:
        next(got)
    assert failed.value.code == "DEADLINE_EXCEEDED"
    assert answers.cancelled
    assert (clock.now, patience.left) == (2.0, 0.0)


def test_what_is_of_use_gives_back_no_more_than_there_was():
    """Two milliseconds a record, a second a megabyte."""
    clock = Clock()
    patience = Patience(2.0, clock)
    patience.spend(1.5)
    patience.earn(records=100, size=100_000)
    assert patience.left == pytest.approx(0.8)
    patience.earn(records=10_000)
    assert patience.left == 2.0


def test_the_background_waits_for_each_answer_anew():
    """Only silence ends it; what it gains is counted for whoever waits for it."""
    clock = Clock()
    leisure = Leisure(10.0, clock)
    assert len(list(leisure.follow(Answers(clock, 8, 8, 8)))) == 3
    with pytest.raises(CallFailed):
        list(leisure.follow(Answers(clock, 8, None)))
    leisure.earn(records=500)
    assert leisure.gained == pytest.approx(1.0)


def test_whoever_stops_listening_cancels_the_call():
    """A caller that has enough leaves nothing under way."""
    clock = Clock()
    answers = Answers(clock, 0.1, 0.1)
    got = Patience(2.0, clock).follow(answers)
    next(got)
    got.close()
    assert answers.cancelled
