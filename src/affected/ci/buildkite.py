"""What Buildkite runs as a dynamic pipeline: one step a shard, and one that checks them all.

Unaware of how the plan was made. The attributes are those of Buildkite's command steps; the text is
JSON, which `buildkite-agent pipeline upload` takes as well as YAML.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from affected.ci.protocol import working_shards
from affected.model.shard import ShardPlan

PLAN_FILE = "affected-plan.json"
REPORTS = "affected-report-*.json"


def pipeline(plan: ShardPlan, run: str, gate: str, setup: Sequence[str], image: str) -> str:
    """The steps; the last one always runs and reports, with or without shards before it.

    `run` and `gate` are shell commands, `setup` what each step does first; `image` is what hosted
    agents and agents in Kubernetes start the steps in, their own choice when empty.
    """
    shards = working_shards(plan)
    steps: list[dict[str, object]] = [
        {
            "label": f"affected {shard}",
            "key": _key(shard),
            "command": [*setup, run],
            "env": {"AFFECTED_SHARD": shard},
            "artifact_paths": [REPORTS, "affected-junit-*.xml"],
        }
        for shard in shards
    ]
    fetch = [f"buildkite-agent artifact download {PLAN_FILE} ."]
    fetch += [f"buildkite-agent artifact download '{REPORTS}' . || true"] if shards else []
    steps.append(
        {
            "label": "affected",
            "key": "affected-gate",
            "command": [*setup, *fetch, gate],
            "depends_on": [_key(shard) for shard in shards],
            "allow_dependency_failure": True,
        }
    )
    document: dict[str, object] = {"steps": steps}
    if image:
        document["image"] = image
    return json.dumps(document, indent=2) + "\n"


def _key(shard: str) -> str:
    return f"affected-{shard.replace('/', '-of-')}"
