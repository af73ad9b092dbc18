"""The order in which commands start: after what they need, within the places there are.

Unaware of processes, of time passing and of what a command does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Task:
    """One command to be run or restored."""

    label: str
    needs: tuple[str, ...]  # labels; those that are no task are done already, its own: held back
    weight: int = 1  # places that it takes
    resources: tuple[str, ...] = ()
    seconds: float = 0.0  # that it is expected to take


class Schedule:
    """Gives out tasks and is told how they ended."""

    def __init__(self, tasks: Iterable[Task], places: int, *, keep_going: bool) -> None:
        """`keep_going`: what does not need a failed one goes on; else nothing new starts."""
        self._tasks = {task.label: task for task in tasks}
        self._places = places
        self._keep_going = keep_going
        self._missing = {
            label: {need for need in task.needs if need in self._tasks and need != label}
            for label, task in self._tasks.items()
        }
        self._held = {label for label, task in self._tasks.items() if label in task.needs}
        self._needed_by: dict[str, list[str]] = {}
        for label, missing in self._missing.items():
            for need in missing:
                self._needed_by.setdefault(need, []).append(label)
        self._urgency = _urgency(self._tasks, self._needed_by)
        self._ready = sorted(
            (label for label in self._tasks if self._is_ready(label)), key=self._order
        )
        self._running: dict[str, int] = {}
        self._taken: set[str] = set()
        self._stopped = False
        self.left: set[str] = set(self._tasks)  # neither ended nor given up
        self.given_up: set[str] = set()  # what they need failed

    @property
    def running(self) -> frozenset[str]:
        """The labels given out that have not ended."""
        return frozenset(self._running)

    @property
    def over(self) -> bool:
        """True when nothing runs and nothing more will."""
        return not self._running and (self._stopped or not self.left)

    def take(self, others: int = 0) -> Task | None:
        """The next task to start now, if one may; `others` places are taken by somebody else."""
        if self._stopped:
            return None
        free = self._places - others - sum(self._running.values())
        for number, label in enumerate(self._ready):
            task = self._tasks[label]
            fits = task.weight <= free or not (self._running or others)
            if fits and self._taken.isdisjoint(task.resources):
                del self._ready[number]
                self._running[label] = task.weight
                self._taken.update(task.resources)
                return task
            if free < 1 and (self._running or others):
                return None
        return None

    def end(self, label: str, *, good: bool) -> None:
        """A task that was given out ended."""
        self._running.pop(label)
        self._taken.difference_update(self._tasks[label].resources)
        self.left.discard(label)
        if good:
            fresh = False
            for waiting in self._needed_by.get(label, ()):
                missing = self._missing[waiting]
                missing.discard(label)
                if waiting in self.left and self._is_ready(waiting):
                    self._ready.append(waiting)
                    fresh = True
            if fresh:
                self._ready.sort(key=self._order)
        elif not self._keep_going:
            self._stopped = True
        if not good:
            self._give_up(label)

    def stop(self) -> None:
        """Nothing new starts any more."""
        self._stopped = True

    def give_up(self, labels: Iterable[str]) -> None:
        """These cannot run, nor can what needs them."""
        for label in labels:
            if label in self.left:
                self.left.discard(label)
                self.given_up.add(label)
                if label in self._ready:
                    self._ready.remove(label)
                self._give_up(label)

    def release(self, label: str) -> None:
        """A task that was held, by needing itself, may start once its other needs have ended."""
        self._held.discard(label)
        if label in self.left and self._is_ready(label):
            self._ready.append(label)
            self._ready.sort(key=self._order)

    def _is_ready(self, label: str) -> bool:
        return not self._missing[label] and label not in self._held

    def _give_up(self, label: str) -> None:
        pending = list(self._needed_by.get(label, ()))
        while pending:
            one = pending.pop()
            if one in self.left:
                self.left.discard(one)
                self.given_up.add(one)
                pending += self._needed_by.get(one, ())

    def _order(self, label: str) -> tuple[float, str]:
        return -self._urgency[label], label


def _urgency(tasks: Mapping[str, Task], needed_by: Mapping[str, Iterable[str]]) -> dict[str, float]:
    """Seconds from each task's start to the end of the longest chain that waits for it."""
    known: dict[str, float] = {}
    for start in tasks:
        pending = [start]
        while pending:
            label = pending[-1]
            if label in known:
                pending.pop()
                continue
            later = [one for one in needed_by.get(label, ()) if one not in known]
            if later:
                pending += later
                continue
            longest = max((known[one] for one in needed_by.get(label, ())), default=0.0)
            known[label] = max(tasks[label].seconds, 0.001) + longest
            pending.pop()
    return known
