"""Decides batches, their order and their xdist workers. Unaware of processes and of the disk."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence

from affected.model.path import RepoPath, parent
from affected.model.plan import Batch, Plan
from affected.model.target import Target, TestSettings

PAYS_FROM = 20.0  # seconds of tests from which starting xdist workers pays
_WORTH_A_WORKER = 5.0  # seconds of tests that one worker should at least have


def plan(
    targets: Sequence[Target],
    settings: Mapping[RepoPath, TestSettings],
    interpreters: Mapping[RepoPath, str],
    timings: Mapping[str, float],
    failed_last: Collection[str],
    jobs: int,
    xdist_available: Mapping[str, bool],
    packages: Collection[RepoPath] = (),
    apart: Mapping[RepoPath, Hashable] | None = None,
) -> Plan:
    """Batches of test files that share settings and interpreter, most urgent first.

    `interpreters` is by project path, `timings` in seconds by label; `packages` are the folders
    that hold an `__init__.py`. Test files that pytest would import under one module name never
    share a batch, nor do projects that differ in `apart` (by project path: whatever their pytest
    processes differ in). No target gives no batch.
    """
    groups: dict[tuple[RepoPath, str, Hashable], list[Target]] = {}
    for target in targets:
        own = apart.get(target.project) if apart else None
        key = (target.settings, interpreters[target.project], own)
        groups.setdefault(key, []).append(target)
    parts: list[tuple[TestSettings, str, list[Target]]] = []
    for (folder, interpreter, _), members in groups.items():
        chosen = settings[folder]
        parts.extend((chosen, interpreter, part) for part in _split(members, chosen, packages))
    share = max(1, jobs // len(parts)) if parts else 1
    batches = [
        _batch(part, timings, failed_last, share if xdist_available.get(part[1], False) else 1)
        for part in parts
    ]
    batches.sort(key=lambda batch: _urgency(batch, timings, failed_last))
    return Plan(tuple(batches), max(1, min(jobs, len(batches))))


def _batch(
    part: tuple[TestSettings, str, list[Target]],
    timings: Mapping[str, float],
    failed_last: Collection[str],
    share: int,
) -> Batch:
    settings, interpreter, targets = part
    known = [timings[target.label] for target in targets if target.label in timings]
    expected = sum(known) if len(known) == len(targets) else None
    workers = 0
    if not _spreads_itself(settings.addopts):
        workers = _workers(expected, len(targets), share)

    def order(target: Target) -> tuple[bool, float, str]:
        # One process keeps the order of plain pytest; workers want the longest first.
        seconds = -timings.get(target.label, float("inf")) if workers else 0.0
        return target.label not in failed_last, seconds, target.path

    return Batch(settings, interpreter, tuple(sorted(targets, key=order)), workers, expected)


def _workers(expected: float | None, count: int, share: int) -> int:
    if expected is None or expected <= PAYS_FROM or share < 2 or count < 2:  # noqa: PLR2004
        return 0
    return min(share, count, int(expected / _WORTH_A_WORKER))


def _spreads_itself(addopts: Sequence[str]) -> bool:
    """True when the user's options already say how to spread, or forbid it."""
    joined = " ".join(addopts)
    return "no:xdist" in joined or any(
        option.startswith(("-n", "--numprocesses", "--dist", "--tx")) for option in addopts
    )


def _urgency(
    batch: Batch, timings: Mapping[str, float], failed_last: Collection[str]
) -> tuple[bool, float, str]:
    failed = any(target.label in failed_last for target in batch.targets)
    known = sum(timings.get(target.label, 0.0) for target in batch.targets)
    return not failed, -known, batch.targets[0].path


def _split(
    targets: list[Target], settings: TestSettings, packages: Collection[RepoPath]
) -> list[list[Target]]:
    """Parts in which no two files would be imported under the same name."""
    joined = " ".join(settings.addopts)
    if "--import-mode=importlib" in joined or "--import-mode importlib" in joined:
        return [targets]
    parts: list[list[Target]] = []
    counts: dict[str, int] = {}
    for target in sorted(targets, key=lambda target: target.path):
        name = _module_name(target.path, packages)
        number = counts.get(name, 0)
        counts[name] = number + 1
        if number == len(parts):
            parts.append([])
        parts[number].append(target)
    return parts


def _module_name(path: RepoPath, packages: Collection[RepoPath]) -> str:
    """The name pytest's `prepend` mode imports a test file under."""
    top = parent(path)
    while top and top in packages:
        top = parent(top)
    return path if not top else path[len(top) + 1 :]
