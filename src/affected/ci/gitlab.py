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
MOST_SHARDS = 49  # that one gate job may need, the planning job being the fiftieth
CACHE = ".affected-cache"
_EXPIRY = "1 week"
_BEGIN = f"mkdir -p {CACHE}/records && touch affected-started"
_HAND_ON = (
    f"cd {CACHE}/records && find . -type f -path './*/*/*' -newer ../../affected-started -print0 | "
    "tar --null -T - -czf ../../affected-new-$CI_JOB_ID.tgz"
)
_TAKE_UP = (
    f"mkdir -p {CACHE}/records; for new in affected-new-*.tgz; do "
    f'if [ -e "$new" ]; then tar xzf "$new" -C {CACHE}/records; fi; done'
)


def child_pipeline(plan: ShardPlan, run: str, gate: str, setup: Sequence[str], image: str) -> str:
    """The child pipeline's YAML; without work it holds one job that says so.

    A pipeline without any job is an error to GitLab, and a job that waits for it would hang.
    `run` and `gate` are shell commands, `setup` what each job does first. What is new in each
    shard's cache goes to the gate, which keeps all of it for the next pipeline.
    """
    lines = ["workflow:", "  rules:", "    - when: always", "variables:"]
    lines.append(f'  AFFECTED_CACHE_DIR: "$CI_PROJECT_DIR/{CACHE}"')
    lines += ["default:", *_cache("pull")]
    lines += [f"  image: {_quoted(image)}"] if image else []
    lines += _listed("  before_script", setup)
    shards = working_shards(plan)
    if not shards:
        return _text([*lines, '"affected":', *_listed("  script", ["echo nothing is affected"])])
    lines += ["stages:", '  - "test"', '  - "gate"']
    for shard in shards:
        lines += _shard_job(shard, run)
    return _text([*lines, *_gate_job(shards, gate)])


def _shard_job(shard: str, run: str) -> list[str]:
    return [
        f"{_quoted(f'affected {shard}')}:",
        '  stage: "test"',
        *_listed("  script", [_BEGIN, run]),
        *_listed("  after_script", [_HAND_ON]),
        "  variables:",
        f"    AFFECTED_SHARD: {_quoted(shard)}",
        "  artifacts:",
        '    when: "always"',
        f"    expire_in: {_quoted(_EXPIRY)}",
        *_listed("    paths", ["affected-report-*.json", "affected-new-*.tgz"]),
        "    reports:",
        '      junit: "affected-junit-*.xml"',
    ]


def _cache(policy: str) -> list[str]:
    return [
        "  cache:",
        '    key: "affected-$CI_COMMIT_REF_SLUG"',
        *_listed("    fallback_keys", ["affected-$CI_DEFAULT_BRANCH"]),
        *_listed("    paths", [CACHE]),
        f"    policy: {_quoted(policy)}",
    ]


def _gate_job(shards: Sequence[str], gate: str) -> list[str]:
    return [
        '"affected":',
        '  stage: "gate"',
        '  when: "always"',
        *_cache("pull-push"),
        *_listed("  script", [_TAKE_UP, gate]),
        "  needs:",
        *(f"    - job: {_quoted(f'affected {shard}')}" for shard in shards),
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
