"""What GitLab runs as a dynamic child pipeline: one job a shard, and one that checks them all.

Unaware of how the plan was made. The keywords are those of GitLab's CI/CD YAML reference; strings
are quoted as in JSON, which YAML includes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from affected.ci.protocol import working_shards
from affected.model.shard import ShardPlan

PLAN_JOB = "affected-plan"  # of the parent pipeline: its artifact is the plan
_EXPIRY = "1 week"


def child_pipeline(plan: ShardPlan, run: str, gate: str, setup: Sequence[str], image: str) -> str:
    """The child pipeline's YAML; without work it holds one job that says so.

    A pipeline without any job is an error to GitLab, and a job that waits for it would hang.
    `run` and `gate` are shell commands, `setup` what each job does first.
    """
    lines = ["workflow:", "  rules:", "    - when: always"]
    if image or setup:
        lines.append("default:")
        lines += [f"  image: {_quoted(image)}"] if image else []
        lines += _listed("  before_script", setup)
    shards = working_shards(plan)
    if not shards:
        return _text([*lines, '"affected":', *_listed("  script", ["echo nothing is affected"])])
    lines += ["stages:", '  - "test"', '  - "gate"']
    for shard in shards:
        lines += _shard_job(shard, run)
    return _text([*lines, *_gate_job(gate)])


def _shard_job(shard: str, run: str) -> list[str]:
    return [
        f"{_quoted(f'affected {shard}')}:",
        '  stage: "test"',
        *_listed("  script", [run]),
        "  variables:",
        f"    AFFECTED_SHARD: {_quoted(shard)}",
        "  artifacts:",
        '    when: "always"',
        f"    expire_in: {_quoted(_EXPIRY)}",
        *_listed("    paths", ["affected-report-*.json"]),
        "    reports:",
        '      junit: "affected-junit-*.xml"',
    ]


def _gate_job(gate: str) -> list[str]:
    return [
        '"affected":',
        '  stage: "gate"',
        '  when: "always"',
        *_listed("  script", [gate]),
        "  needs:",
        '    - pipeline: "$PARENT_PIPELINE_ID"',
        f"      job: {_quoted(PLAN_JOB)}",
    ]


def _listed(key: str, values: Sequence[str]) -> list[str]:
    indent = " " * (len(key) - len(key.lstrip()) + 2)
    return [f"{key}:", *(f"{indent}- {_quoted(value)}" for value in values)] if values else []


def _quoted(value: str) -> str:
    return json.dumps(value)


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"
