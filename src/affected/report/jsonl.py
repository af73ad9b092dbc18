"""The versioned JSON objects of `--json`, and how they are dumped.

Unaware of streams. Text is ASCII with escapes, so lone surrogates (undecodable bytes of a path)
survive; the format's source is DESIGN section 7. Seconds are rounded to the microsecond.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from affected.errors import UserError
from affected.model.edge import Edge
from affected.model.observation import Provenance
from affected.model.selection import Cause
from affected.report.protocol import (
    AuditReport,
    BlameReport,
    CacheStatus,
    Counts,
    ExplainReport,
    Finding,
    Flake,
    GraphView,
    Level,
    Listing,
    Proof,
    RemoteStatus,
    RunReport,
    RunSummary,
    TargetEntry,
    TestEntry,
)

SCHEMA = 1
JsonObject: TypeAlias = dict[str, object]


def dump(document: Mapping[str, object]) -> str:
    """One line of ASCII ending with a newline; keys in the order of the document."""
    return json.dumps(document, ensure_ascii=True, allow_nan=False) + "\n"


def listing_object(listing: Listing) -> JsonObject:
    """The object of `affected list --json`."""
    return {
        "schema": SCHEMA,
        "base": listing.base,
        "head": listing.head,
        "selection": listing.selection,
        **({"reason": listing.reason} if listing.reason else {}),
        "changed": list(listing.changed),
        "targets": [_target(target) for target in listing.targets],
        "notices": list(listing.notices),
    }


def run_object(report: RunReport) -> JsonObject:
    """The object of `affected run --json`, a dry run's too."""
    summary = report.summary
    return {
        "schema": SCHEMA,
        "base": report.base,
        "head": report.head,
        "selection": summary.selection,
        **({"reason": report.reason} if report.reason else {}),
        "dry_run": summary.dry_run,
        **({"shard": _shard(summary.shard)} if summary.shard else {}),
        "interrupted": summary.interrupted,
        "exit_code": report.exit_code,
        "changed": list(report.changed),
        **({"left": sorted(summary.left)} if summary.left else {}),
        "targets": [_target(target) for target in report.targets],
        "tests": _tests(summary),
        "results": [_result(result) for result in report.results],
        "unvouched": [
            {"target": item.label, "code": item.code, "what": item.what}
            for item in summary.unvouched
        ],
        **({"flakes": [_flake(f) for f in summary.flakes]} if summary.flakes else {}),
        **({"retried": list(summary.retried)} if summary.retried else {}),
        **({"quarantined": [r.id for r in summary.quarantined]} if summary.quarantined else {}),
        "troubles": list(summary.troubles),
        "notices": list(summary.notices),
    }


def matrix_object(listing: Listing) -> JsonObject:
    """A matrix of jobs, one a target, in the form that GitHub's `fromJSON` takes."""
    return {
        "include": [
            {
                "label": target.label,
                "project": target.project,
                "name": target.label.rpartition(":")[2] or target.label,
                "kind": target.kind,
            }
            for target in listing.targets
        ]
    }


def _flake(flake: Flake) -> JsonObject:
    return {
        "id": flake.test,
        "then": {"outcome": flake.then.outcome.value, **_provenance(flake.then.provenance)},
        "now": {"outcome": flake.now.outcome.value, **_provenance(flake.now.provenance)},
    }


def explain_object(report: ExplainReport) -> JsonObject:
    """The object of `affected explain --json`."""
    return {
        "schema": SCHEMA,
        "label": report.label,
        "test": report.test or None,
        "verdict": "runs" if report.runs else "skip",
        "left_out": report.left_out,
        "causes": [_cause(cause) for cause in report.causes],
        "chain": [_edge(edge) for edge in report.chain],
        "differences": list(report.differences),
        "fingerprint": report.fingerprint or None,
        "records": report.records,
        "observation": None if report.proof is None else _proof(report.proof),
        **({"facts": dict(report.facts)} if report.facts else {}),
        "notices": list(report.notices),
    }


def doctor_object(findings: Sequence[Finding]) -> JsonObject:
    """The object of `affected doctor --json`; "healthy" is False when something does not work."""
    return {
        "schema": SCHEMA,
        "healthy": all(finding.level is not Level.PROBLEM for finding in findings),
        "findings": [
            {
                "level": finding.level.value,
                "code": finding.code,
                "title": finding.title,
                "detail": finding.detail,
                "cost": finding.cost,
                "way_out": finding.way_out,
            }
            for finding in findings
        ],
    }


def graph_object(view: GraphView) -> JsonObject:
    """The object of `affected graph --format json`; nodes and edges sorted."""
    return {
        "schema": SCHEMA,
        "focus": view.focus or None,
        "nodes": [
            {"path": node.path, "kind": node.kind, "project": node.project}
            for node in sorted(view.nodes, key=lambda node: node.path)
        ],
        "edges": [
            _edge(edge)
            for edge in sorted(view.edges, key=lambda edge: (edge.source, edge.needed, edge.kind))
        ],
    }


def blame_object(report: BlameReport) -> JsonObject:
    """The object of `affected blame --json`; suspects oldest first."""
    confirmed = report.confirmation
    return {
        "schema": SCHEMA,
        "test": report.test,
        "good": report.good,
        "bad": report.bad,
        "commits": report.commits,
        "observed": report.observed,
        "suspects": [
            {"commit": s.commit, "time": s.time, "subject": s.subject, "paths": list(s.paths)}
            for s in report.suspects
        ],
        "guilty": (confirmed.guilty or None) if confirmed else None,
        "probes": [{"commit": c, "passed": p} for c, p in confirmed.probes] if confirmed else [],
    }


def audit_object(report: AuditReport) -> JsonObject:
    """The object of `affected audit --json`; rates are of test files, at 95 % confidence."""
    return {
        "schema": SCHEMA,
        "seed": report.seed,
        "skipped": report.skipped,
        "files": report.files,
        "tests": report.tests,
        "misses": list(report.misses),
        "flakes": list(report.flakes),
        "bound": report.bound,
        "history": {
            "audits": report.audits,
            "files": report.all_files,
            "missed": report.all_missed,
            "bound": report.all_bound,
            "since": report.since,
        },
        "widened": report.widened or None,
    }


def cache_object(status: CacheStatus) -> JsonObject:
    """The object of `affected cache status --json`; sizes in bytes."""
    return {
        "schema": SCHEMA,
        "folder": status.folder,
        "records": status.records,
        "blobs": status.blobs,
        "size": status.size,
        "limit": status.limit,
        "index": status.index or None,
        "index_size": status.index_size,
        "ready": {
            "targets": status.targets,
            "tests": status.tests,
            "seconds": _seconds(status.seconds),
        },
        "notices": list(status.notices),
        "remote": _remote(status.remote) if status.remote else None,
    }


def _remote(status: RemoteStatus) -> JsonObject:
    return {
        "address": status.name,
        "trouble": status.trouble or None,
        "writes": status.writes,
        "batched": status.batched,
        "round_trip": _seconds(status.round_trip),
    }


def error_object(error: UserError, exit_code: int) -> JsonObject:
    """What `--json` prints instead of an answer when there is none."""
    return {
        "schema": SCHEMA,
        "error": {"message": error.message, "hint": error.hint or None, "exit_code": exit_code},
    }


def _target(target: TargetEntry) -> JsonObject:
    document: JsonObject = {
        "label": target.label,
        "kind": target.kind,
        "project": target.project,
        "causes": [_cause(cause) for cause in target.causes],
    }
    if target.tags:
        document["tags"] = list(target.tags)
    if target.state is not None:
        document["state"] = target.state.value
        document["tests"] = target.tests
        document["seconds"] = _seconds(target.seconds)
    return document


def _cause(cause: Cause) -> JsonObject:
    document: JsonObject = {
        "kind": cause.kind.value,
        "path": cause.path,
        "chain": list(cause.chain),
    }
    if cause.detail:
        document["detail"] = cause.detail
    return document


def _edge(edge: Edge) -> JsonObject:
    return {"source": edge.source, "needed": edge.needed, "kind": edge.kind.name.lower()}


def _shard(shard: tuple[int, int]) -> JsonObject:
    return {"number": shard[0], "count": shard[1]}


def _tests(summary: RunSummary) -> JsonObject:
    return {
        "selected": summary.selected_tests,
        "reused": summary.reused_tests,
        **_counts(summary.counts),
        "seconds_run": _seconds(summary.seconds_run),
        "seconds_saved": _seconds(summary.seconds_saved),
        "seconds_wall": _seconds(summary.seconds_wall),
    }


def _counts(counts: Counts) -> JsonObject:
    return {
        "passed": counts.passed,
        "failed": counts.failed,
        "errors": counts.errors,
        "skipped": counts.skipped,
        "xfailed": counts.xfailed,
        "xpassed": counts.xpassed,
    }


def _result(result: TestEntry) -> JsonObject:
    return {
        "id": result.result_id,
        "target": result.target,
        "state": result.state.value,
        "outcome": None if result.outcome is None else result.outcome.value,
        "cause": None if result.cause is None else _cause(result.cause),
        "seconds": _seconds(result.seconds),
    }


def _proof(proof: Proof) -> JsonObject:
    return {
        "provenance": _provenance(proof.provenance),
        "seconds": _seconds(proof.seconds),
        "tests": _counts(proof.counts),
        "blind_spots": [{"code": spot.code, "what": spot.what} for spot in proof.blind_spots],
        "inputs": [
            {"kind": item.kind.value, "key": item.key, "digest": item.digest}
            for item in sorted(proof.inputs)
        ],
    }


def _provenance(provenance: Provenance) -> JsonObject:
    return {
        "written": provenance.written,
        "writer": provenance.writer,
        "commit": provenance.commit or None,
        "dirty": provenance.dirty,
        "run": provenance.run or None,
    }


def _seconds(value: float) -> float:
    return round(value, 6)
