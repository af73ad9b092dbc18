"""The output of `affected explain`, `doctor` and `cache`, as lines.

Unaware of how the answers were found, and of streams.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from affected.model.edge import Edge, EdgeKind
from affected.model.observation import Input, InputKind, Provenance
from affected.report.protocol import (
    CacheStatus,
    ExplainReport,
    Finding,
    Level,
    Proof,
    RemoteStatus,
)
from affected.report.style import Style, duration, number, pad, plural, printable, size
from affected.report.text import (
    cause_words,
    chain_words,
    counts_words,
    notice_lines,
    paragraph,
    short_commit,
)

_EDGE_WORDS = {
    EdgeKind.IMPORT: "imports",
    EdgeKind.LAZY: "imports inside a function",
    EdgeKind.TYPING: "imports for type checking",
    EdgeKind.PARENT: "is in the package of",
    EdgeKind.STAR: "imports everything from",
    EdgeKind.STRING: "names in a string",
    EdgeKind.CONFTEST: "is given fixtures by",
    EdgeKind.OBSERVED: "was seen to use",
    EdgeKind.PROJECT: "is in a project that needs",
    EdgeKind.TARGET: "waits for",
}
_INPUT_WORDS = {
    InputKind.FILE: ("file", "files"),
    InputKind.CODE: ("file of code", "files of code"),
    InputKind.PROBE: ("path asked for", "paths asked for"),
    InputKind.LISTING: ("folder listed", "folders listed"),
    InputKind.MODULE: ("import resolved", "imports resolved"),
    InputKind.DISTRIBUTION: ("installed distribution", "installed distributions"),
    InputKind.INSTALLED: ("list of installed distributions", "lists of installed distributions"),
    InputKind.ENVIRONMENT: ("environment variable", "environment variables"),
}
_SHOWN_INPUTS = 12


def explain_lines(report: ExplainReport, style: Style, *, every_input: bool = False) -> list[str]:
    """Verdict, causes with their chains, what differs, and the observation it rests on."""
    subject = style.paint(printable(report.test or report.label), "bold")
    lines: list[str] = []
    for notice in report.notices:
        lines += notice_lines(notice, style)
    if report.runs:
        lines.append(f"{subject} {style.paint('runs', 'yellow', 'bold')}")
    else:
        lines.append(f"{subject} {style.paint('may be skipped', 'green', 'bold')}")
    if report.left_out:
        lines.append("  no change reaches it, by the import graph alone; it has no observation")
    for cause in report.causes:
        lines.append(f"  {style.bullet} {cause_words(cause)}")
        if cause.detail:
            lines += paragraph(cause.detail, style, "      ")
        if len(cause.chain) > 1 and not report.chain:
            room = style.width - 6 if style.width else 0
            lines.append(f"      {chain_words(cause.chain, style, room)}")
    lines += _fact_lines(report.facts)
    if report.chain:
        lines += ["", style.paint("how the change reaches it", "bold")]
        lines += edge_lines(report.chain, style)
    if report.differences:
        lines += ["", style.paint("then and now", "bold")]
        lines += [f"  {_difference(line, style)}" for line in report.differences]
    if report.proof is not None:
        lines += ["", *_proof_lines(report, report.proof, style, every_input=every_input)]
    return lines


def _fact_lines(facts: Sequence[tuple[str, str]]) -> list[str]:
    widest = max((len(name) for name, _ in facts), default=0)
    lines = [f"  {pad(name, widest)}  {printable(words)}" for name, words in facts]
    return ["", *lines] if lines else []


def edge_lines(chain: Sequence[Edge], style: Style) -> list[str]:
    """A chain one hop a line: "tests/test_a.py imports src/a.py"."""
    lines = []
    for edge in chain:
        verb = style.paint(_EDGE_WORDS[edge.kind], "dim")
        lines.append(f"  {printable(edge.source)} {verb} {printable(edge.needed)}")
    return lines


def _difference(line: str, style: Style) -> str:
    text = printable(line)
    if line.startswith("+"):
        return style.paint(text, "green")
    if line.startswith("-"):
        return style.paint(text, "red")
    return text


def _proof_lines(
    report: ExplainReport, proof: Proof, style: Style, *, every_input: bool
) -> list[str]:
    title = "the nearest observation" if report.runs else "the observation that proves it"
    lines = [style.paint(title, "bold")]
    lines += [f"  {line}" for line in provenance_lines(proof.provenance)]
    lines.append(f"  {counts_words(proof.counts, style)}, {duration(proof.seconds)}")
    for spot in proof.blind_spots:
        lines.append(
            f"  {style.paint('unseen', 'yellow')} {printable(spot.code)}: {printable(spot.what)}"
        )
    if report.records > 1:
        lines.append(f"  out of {plural(report.records, 'observation')} looked at")
    if report.fingerprint:
        lines.append(f"  {style.paint('weak fingerprint ' + report.fingerprint, 'dim')}")
    lines += ["", *input_lines(proof.inputs, style, every_input=every_input)]
    return lines


def provenance_lines(provenance: Provenance) -> list[str]:
    """Who wrote an observation, when (UTC), and from which commit and CI run."""
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(provenance.written))
    writer = f" by {printable(provenance.writer)}" if provenance.writer else ""
    lines = [f"written {when}{writer}"]
    if provenance.commit:
        dirty = " with uncommitted changes" if provenance.dirty else ""
        lines.append(f"at commit {short_commit(provenance.commit)}{dirty}")
    if provenance.run:
        lines.append(f"in {printable(provenance.run)}")
    return lines


def input_lines(inputs: Sequence[Input], style: Style, *, every_input: bool = False) -> list[str]:
    """Inputs counted by kind and listed; past a dozen of a kind only counted unless asked."""
    by_kind = Counter(item.kind for item in inputs)
    counted = ", ".join(
        plural(by_kind[kind], *_INPUT_WORDS[kind]) for kind in InputKind if by_kind[kind]
    )
    lines = [style.paint(f"it depended on {counted or 'nothing'}", "bold")]
    for kind in InputKind:
        members = sorted(item for item in inputs if item.kind is kind)
        shown = members if every_input else members[:_SHOWN_INPUTS]
        lines += [
            f"  {kind.value:<12}  {printable(item.key)}{_digest_words(item, style)}"
            for item in shown
        ]
        if len(members) > len(shown):
            rest = number(len(members) - len(shown))
            lines.append(f"  {kind.value:<12}  {style.ellipsis} {rest} more (--verbose lists them)")
    return lines


def _digest_words(item: Input, style: Style) -> str:
    if len(item.digest) >= 32:  # noqa: PLR2004  # a hash: its beginning tells it apart
        return style.paint(f"  {printable(item.digest[:10])}", "dim")
    return style.paint(f"  {printable(item.digest)}", "dim") if item.digest else ""


_LEVEL_LOOKS = {
    Level.OK: ("ok     ", ("green",)),
    Level.NOTE: ("note   ", ("cyan",)),
    Level.WARNING: ("warning", ("yellow", "bold")),
    Level.PROBLEM: ("problem", ("red", "bold")),
}


def doctor_lines(findings: Sequence[Finding], style: Style) -> list[str]:
    """Each finding with its level, what it costs and the way out; then a verdict."""
    lines: list[str] = []
    for finding in findings:
        word, looks = _LEVEL_LOOKS[finding.level]
        lines.append(f"{style.paint(word, *looks)}  {printable(finding.title)}")
        indent = " " * 9
        if finding.detail:
            lines += paragraph(finding.detail, style, indent)
        if finding.cost:
            lines += paragraph(f"costs: {finding.cost}", style, indent)
        if finding.way_out:
            lines += paragraph(f"way out: {finding.way_out}", style, indent)
    by_level = Counter(finding.level for finding in findings)
    said = [
        plural(by_level[level], level.value)
        for level in (Level.PROBLEM, Level.WARNING, Level.NOTE)
        if by_level[level]
    ]
    lines.append("")
    lines.append(", ".join(said) if said else style.paint("all is well", "green", "bold"))
    return lines


def cache_lines(status: CacheStatus, style: Style) -> list[str]:
    """`affected cache status`: where it is, what it holds, how full it is."""
    lines: list[str] = []
    for notice in status.notices:
        lines += notice_lines(notice, style)
    full = f" of at most {size(status.limit)}" if status.limit else ""
    share = f" ({status.size / status.limit:.0%})" if status.limit else ""
    lines.append(f"cache   {printable(status.folder)}")
    lines.append(
        f"        {plural(status.records, 'record')}, {plural(status.blobs, 'blob')}, "
        f"{size(status.size)}{full}{share}"
    )
    if status.index:
        lines.append(f"index   {printable(status.index)}")
        lines.append(f"        {size(status.index_size)}")
    if status.remote is not None:
        lines.append(f"shared  {printable(status.remote.name)}")
        lines.append(f"        {remote_words(status.remote)}")
    if status.targets:
        lines.append(
            f"ready   {plural(status.tests, 'test')} in {plural(status.targets, 'file')} "
            f"can be reused as things stand, {style.paint(duration(status.seconds), 'green')}"
        )
    return lines


def remote_words(status: RemoteStatus) -> str:
    """How it is with the shared cache: "read and write, 1.2 ms a round trip"."""
    if status.trouble:
        return printable(status.trouble)
    rights = "read and write" if status.writes else "read only"
    way = "records by the thousand" if status.batched else "a call each record"
    return f"{rights}, {status.round_trip * 1000:.1f} ms a round trip, {way}"


def removed_line(records: int, blobs: int, freed: int) -> str:
    """What `affected cache gc` or `clear` did."""
    if not records and not blobs:
        return "nothing to remove"
    return f"removed {plural(records, 'record')} and {plural(blobs, 'blob')}, {size(freed)} freed"
