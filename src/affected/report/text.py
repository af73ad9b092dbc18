"""The closing summary of a run, the output of `affected list`, errors and notices, as lines.

Unaware of terminals and streams; the caller writes the lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from affected.errors import UserError
from affected.model.result import Outcome, TestResult
from affected.model.selection import Cause, CauseKind
from affected.report.commands import command_lines
from affected.report.doubts import doubt_lines
from affected.report.portions import left_lines, shard_line
from affected.report.protocol import Counts, Listing, RunSummary, TargetEntry, Unvouched
from affected.report.style import (
    Style,
    columns,
    displayed,
    duration,
    number,
    pad,
    plural,
    printable,
    shorten,
    shorten_path,
    without_escapes,
    wrap,
)

_PASSING = frozenset({"changed-meanwhile"})  # not the test's doing
_SHOWN_UNVOUCHED = 5
_LEAST_TAIL = 12  # columns; in fewer a chain tells nothing


def closing_lines(summary: RunSummary, style: Style) -> list[str]:
    """What ran, what was reused and how much time that saved, and what needs a look."""
    error = style.paint("error: ", "red", "bold")
    lines = [_failure_line(failure, style) for failure in summary.failures]
    for trouble in summary.troubles:  # pytest's last words have lines of their own
        first, *rest = trouble.splitlines() or [""]
        lines += [error + printable(first), *map(printable, rest)]
    lines += doubt_lines(summary, style)
    lines += _unvouched_lines(summary.unvouched, style)
    for notice in summary.notices:
        lines += notice_lines(notice, style)
    if summary.shard is not None:
        lines.append(shard_line(summary.shard, summary))
    lines += _verdict_lines(summary, style)
    if summary.left:
        lines += left_lines(summary, style)
    return lines


def _verdict_lines(summary: RunSummary, style: Style) -> list[str]:
    commands = command_lines(summary.commands, style)
    idle = summary.commands.total == summary.commands.reused
    if summary.dry_run:
        return [*_dry_lines(summary, style), *(commands if not idle else [])]
    if summary.left and not summary.selected_targets and not summary.counts.total:
        return commands
    if summary.selected_targets == 0 and summary.counts.total == 0 and not summary.interrupted:
        if idle:
            return [_nothing_line(summary, style)]
        untested = not (summary.reused_targets or summary.left_out)
        return commands if untested else [_nothing_line(summary, style), *commands]
    lines = []
    if summary.interrupted:
        missing = summary.selected_targets - summary.ran_targets
        words = "interrupted"
        if missing > 0:
            words += f": {plural(missing, 'test file')} did not finish"
        lines.append(style.paint(words, "yellow", "bold") + "; what finished is kept")
    elif summary.ran_targets < summary.selected_targets:
        silent = plural(summary.selected_targets - summary.ran_targets, "test file")
        lines.append(style.paint(f"{silent} gave no result", "red", "bold"))
    lines.append(_ran_line(summary, style))
    reused = _reused_words(summary)
    if reused:
        lines.append(reused)
    if summary.left_out:
        lines.append(_left_out_line(summary.left_out))
    return lines + commands


def _nothing_line(summary: RunSummary, style: Style) -> str:
    lead = style.paint("nothing to run", "green", "bold")
    reused = summary.commands.reused if summary.commands.reused == summary.commands.total else 0
    if summary.reused_targets == 0 and summary.left_out == 0:
        return (
            f"{lead}: {plural(reused, 'target')} as before" if reused else f"{lead}: no tests here"
        )
    said = []
    if summary.reused_targets:
        said.append(
            f"{plural(summary.reused_tests, 'test')} in "
            f"{plural(summary.reused_targets, 'file')} reused"
        )
    if summary.left_out:
        said.append(
            f"no change reaches {plural(summary.left_out, 'more file')}"
            if summary.reused_targets
            else f"no change reaches any of {plural(summary.left_out, 'test file')}"
        )
    if reused:
        said.append(f"{plural(reused, 'target')} as before")
    if summary.seconds_saved > 0:
        said.append(f"{style.paint(duration(summary.seconds_saved), 'green')} saved")
    return f"{lead}: {', '.join(said)}"


def _dry_lines(summary: RunSummary, style: Style) -> list[str]:
    if summary.selected_targets == 0:
        return [_nothing_line(summary, style)]
    tests = f"{plural(summary.selected_tests, 'known test')} in " if summary.selected_tests else ""
    lines = [f"would run {tests}{plural(summary.selected_targets, 'file')}"]
    if summary.reused_targets:
        lines.append(
            f"would reuse {plural(summary.reused_tests, 'test')} in "
            f"{plural(summary.reused_targets, 'file')}, {duration(summary.seconds_saved)} saved"
        )
    if summary.left_out:
        lines.append(_left_out_line(summary.left_out))
    return lines


def _ran_line(summary: RunSummary, style: Style) -> str:
    counts = summary.counts
    bad = counts.bad or summary.troubles
    return (
        f"{style.paint('ran', 'red' if bad else 'green', 'bold')} "
        f"{plural(counts.total, 'test')} in {plural(summary.ran_targets, 'file')} "
        f"in {duration(summary.seconds_wall)}: {counts_words(counts, style)}"
    )


def _reused_words(summary: RunSummary) -> str:
    if not summary.reused_targets:
        return ""
    return (
        f"reused {plural(summary.reused_tests, 'test')} in {plural(summary.reused_targets, 'file')}"
        f", {duration(summary.seconds_saved)} saved"
    )


def _left_out_line(left_out: int) -> str:
    return f"left out {plural(left_out, 'file')} that no change reaches, by the import graph alone"


def counts_words(counts: Counts, style: Style) -> str:
    """Counts in words: "1 failed, 3 passed", what needs a look first; "no tests" for none."""
    said = [
        style.paint(f"{number(amount)} {word}", *looks)
        for amount, word, looks in (
            (counts.failed, "failed", ("red", "bold")),
            (counts.errors, "error" if counts.errors == 1 else "errors", ("red", "bold")),
            (counts.passed, "passed", ("green",)),
            (counts.skipped, "skipped", ("yellow",)),
            (counts.xfailed, "xfailed", ("yellow",)),
            (counts.xpassed, "xpassed", ("yellow",)),
        )
        if amount
    ]
    return ", ".join(said) or "no tests"


def _failure_line(failure: TestResult, style: Style) -> str:
    word = "ERROR " if failure.outcome is Outcome.ERROR else "FAILED"
    test = printable(failure.id)
    message = printable(without_escapes(failure.message))
    line = f"{style.paint(word, 'red', 'bold')} {style.paint(test, 'bold')}"
    room = style.columns - columns(word) - columns(test) - 4
    if not message or room < 12:  # noqa: PLR2004  # too little of the message to be read
        return line
    return f"{line}  {shorten(message, room if style.width else 0, style)}"


def failure_block(failure: TestResult, style: Style) -> list[str]:
    """One failure as pytest showed it, under a ruled title."""
    title = f" {printable(failure.id)} "
    side = max(3, (style.columns - columns(title)) // 2)
    lines = [style.paint(style.rule * side + title + style.rule * side, "red")]
    details = displayed(failure.details or failure.message)
    if not style.color:
        details = without_escapes(details)
    lines += details.rstrip("\n").split("\n")
    return lines


def _unvouched_lines(unvouched: Sequence[Unvouched], style: Style) -> list[str]:
    passing = [item for item in unvouched if item.code in _PASSING]
    lasting = [item for item in unvouched if item.code not in _PASSING]
    touched = "next time: what it used was changed or touched meanwhile, by you or by a test"
    return [
        *_unvouched_group(lasting, "each time: it used what cannot be seen", style),
        *_unvouched_group(passing, touched, style),
    ]


def _unvouched_group(unvouched: Sequence[Unvouched], why: str, style: Style) -> list[str]:
    if not unvouched:
        return []
    first: dict[str, Unvouched] = {}
    more: dict[str, int] = {}
    for item in unvouched:
        if item.label in first:
            more[item.label] = more.get(item.label, 0) + 1
        else:
            first[item.label] = item
    if len(first) > 1:
        why = why.replace(": it ", ": they ").replace(" it used", " they used")
    verb = "runs" if len(first) == 1 else "run"
    lines = [style.paint(f"{plural(len(first), 'file')} {verb} again {why}", "yellow")]
    for label, item in list(first.items())[:_SHOWN_UNVOUCHED]:
        others = f" (+{more[label]} more)" if label in more else ""
        said = f"{printable(item.code)}: {printable(item.what)}" if item.what else item.code
        lines.append(
            f"  {printable(label)}  {style.paint(shorten(said, 100, style) + others, 'dim')}"
        )
    if len(first) > _SHOWN_UNVOUCHED:
        rest = len(first) - _SHOWN_UNVOUCHED
        lines.append(
            f"  {style.ellipsis} and {number(rest)} more; `affected explain FILE` tells all"
        )
    return lines


def cause_words(cause: Cause) -> str:
    """A cause in a few words: "changed src/a.py", "no observation yet"."""
    path = printable(cause.path)
    words = {
        CauseKind.CHANGED: f"changed {path}",
        CauseKind.DELETED: f"deleted {path}",
        CauseKind.ADDED: f"added {path}",
        CauseKind.CAPTURED: f"import of {path} now finds another file",
        CauseKind.DISTRIBUTION: f"installed distribution changed: {path}",
        CauseKind.ENVIRONMENT: f"environment variable changed: {path}",
        CauseKind.PLATFORM: "interpreter, pytest or configuration changed",
        CauseKind.DEPENDENCY: f"depends on {path}" if path else "a dependency changed",
        CauseKind.UNOWNED: f"changed {path}, which belongs to no project",
        CauseKind.NEW: "no observation yet",
        CauseKind.FAILED: "failed last time",
        CauseKind.BLIND_SPOT: "its last run used what cannot be seen",
        CauseKind.FLAKY: "flaky: the same inputs had two outcomes",
        CauseKind.WIDENED: f"changed {path}, by the import graph"
        if path
        else "precision is widened",
        CauseKind.FORCED: "asked for",
        CauseKind.BASE_UNKNOWN: "nothing to compare with",
    }
    return words[cause.kind]


def listing_lines(listing: Listing, style: Style) -> list[str]:
    """`affected list`: one line a target with its first cause and chain, grouped by that cause."""
    lines: list[str] = []
    for notice in listing.notices:
        lines += notice_lines(notice, style)
    groups: dict[str, list[TargetEntry]] = {}
    for target in listing.targets:
        head = cause_words(target.causes[0]) if target.causes else "selected"
        groups.setdefault(head, []).append(target)
    ordered = sorted(groups.items(), key=lambda group: (group[0], len(group[1])))
    for head, members in ordered:
        lines.append(f"{style.paint(head, 'bold')} ({plural(len(members), 'target')})")
        lines += _member_lines(members, style)
        lines.append("")
    lines += _listing_total(listing, style)
    return lines


def _member_lines(members: Sequence[TargetEntry], style: Style) -> list[str]:
    names = [printable(member.label) for member in members]
    widest = max(map(columns, names))
    if style.width:
        widest = min(widest, max(24, style.width // 2))
    lines = []
    for member, name in sorted(zip(members, names, strict=True), key=lambda pair: pair[0].label):
        room = style.width - max(widest, columns(name)) - 4 if style.width else None
        tail = _tail_words(member, style, room)
        line = f"  {pad(name, widest)}  {style.paint(tail, 'dim')}" if tail else f"  {name}"
        lines.append(line.rstrip())
    return lines


def _tail_words(member: TargetEntry, style: Style, room: int | None) -> str:
    """What follows a label, in at most `room` columns (None: no limit); labels are never cut."""
    if not member.causes:
        return ""
    more = len(member.causes) - 1
    suffix = f"(+{plural(more, 'cause')})" if more else ""
    left = None if room is None else room - len(suffix) - 1
    cause = member.causes[0]
    tail = ""
    if left is None or left >= _LEAST_TAIL:
        tail = _via_words(cause, style, left or 0)
        if not tail and cause.detail and cause.kind is not CauseKind.BASE_UNKNOWN:  # told below
            tail = shorten(printable(cause.detail), left or 0, style)
    said = f"{tail} {suffix}".strip()
    return said if room is None or columns(said) <= room else ""


def _via_words(cause: Cause, style: Style, room: int) -> str:
    """The links between a target and the path that its group's heading names already."""
    if len(cause.chain) > 1 and cause.chain[-1] == cause.path:
        between = chain_words(cause.chain[:-1], style, max(room - 2, 0))
        return f"via {between[len(style.arrow) + 1 :]}" if between else ""
    return chain_words(cause.chain, style, room)


def chain_words(chain: Sequence[str], style: Style, room: int = 0) -> str:
    """How a target reaches the path, its own name left out: "→ b.py → a.py"; "" when it is it."""
    links = [printable(link) for link in chain[1:]]
    if not links:
        return ""
    arrow = f"{style.arrow} "
    whole = " ".join(arrow + link for link in links)
    if room <= 0 or columns(whole) <= room:
        return whole
    middle = len(links) - 2
    if middle > 0:
        hidden = f"{arrow}{style.ellipsis} {middle} more"
        whole = f"{arrow}{links[0]} {hidden} {arrow}{links[-1]}"
        if columns(whole) <= room:
            return whole
        whole = f"{hidden} {arrow}{links[-1]}"
    return shorten_path(whole, room, style)


def _listing_total(listing: Listing, style: Style) -> list[str]:
    lines = []
    if listing.reason:
        cost = "a run still reuses results, so this costs time only"
        lines += notice_lines(f"everything counts as changed: {listing.reason} ({cost})", style)
    affected, known = len(listing.targets), listing.known_targets
    if listing.selection == "none":
        lead = style.paint("nothing is affected", "green", "bold")
    else:
        share = "all" if listing.selection == "all" else number(affected)
        lead = style.paint(f"{share} of {plural(known, 'target')} affected", "bold")
    against = f" since {short_commit(listing.base)}" if listing.base else ""
    how = f" ({printable(listing.how)})" if listing.how and listing.base else ""
    changed = plural(len(listing.changed), "changed path")
    lines.append(f"{lead}: {changed}{against}{how}")
    return lines


def short_commit(commit: str) -> str:
    """A commit id as people read it: its first ten digits; anything else as it is."""
    plain = printable(commit)
    is_id = len(plain) in (40, 64) and all(char in "0123456789abcdef" for char in plain)
    return plain[:10] if is_id else plain


def notice_lines(notice: str, style: Style) -> list[str]:
    """A warning, which never fails a run."""
    return [style.paint("warning: ", "yellow", "bold") + printable(notice)]


def error_lines(error: UserError, style: Style) -> list[str]:
    """The sentence after "error:" and, where there is a way out, another after "hint:"."""
    lines = _labelled("error", error.message, style, "red")
    if error.hint:
        lines += _labelled("hint", error.hint, style, "cyan")
    return lines


def _labelled(word: str, text: str, style: Style, color: str) -> list[str]:
    first, *rest = [printable(line) for line in text.rstrip("\n").split("\n")]
    lead = style.paint(f"{word}: ", color, "bold")
    return [lead + first, *("  " + line for line in rest)]


def joined(lines: Iterable[str]) -> str:
    """Lines as one text that ends with a newline; "" when there are none."""
    text = "\n".join(lines)
    return text + "\n" if text else ""


def paragraph(text: str, style: Style, indent: str = "  ") -> list[str]:
    """Prose wrapped to the width."""
    return wrap(printable(text), style.width, indent)
