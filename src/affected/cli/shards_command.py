"""`affected shards`. Unaware of how the plan is made and of what each CI system reads."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from affected.app.knowledge import Knowledge
from affected.cli.opening import knowledge
from affected.cli.output_files import append_to, write_file
from affected.cli.terminal import environment, style_for, write_lines
from affected.cli.times import seconds_of
from affected.model.shard import ShardPlan

FORMATS: Final = ("text", "json", "github", "gitlab", "buildkite")
MOST: Final = 256  # jobs of one matrix, says GitHub's manual
PLAN: Final = "affected-plan.json"
_NAMED: Final = "$(echo $AFFECTED_SHARD | tr / -)"
RUN: Final = (
    f"affected run --junit affected-junit-{_NAMED}.xml --report affected-report-{_NAMED}.json"
)
GATE: Final = f"affected gate {PLAN} ."


@click.command("shards")
@click.option("--count", metavar="N", type=click.IntRange(1, MOST), help="For N machines.")
@click.option(
    "--target-time", metavar="TIME", default="5m", show_default=True,
    help="As few as keep each within TIME of tests (90s, 5m).",
)  # fmt: skip
@click.option(
    "--most", metavar="N", type=click.IntRange(1, MOST), default=MOST, show_default=True,
    help="Never more than N.",
)  # fmt: skip
@click.option("--base", metavar="REF", help="As for `affected run --base`.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Write the plan as JSON for the gate.")
@click.option("--setup", multiple=True, metavar="CMD", help="What each generated job does first.")
@click.option("--image", default="", metavar="NAME", help="Container image of generated jobs.")
@click.option("--run", "run", default=RUN, metavar="CMD", help="What each generated job runs.")
def command(
    *,
    count: int | None,
    target_time: str,
    most: int,
    base: str | None,
    form: str,
    out: Path | None,
    setup: tuple[str, ...],
    image: str,
    run: str,
) -> None:
    """Plan how to spread what must run over machines, by recorded times.

    Formats: `github` gives the outputs any, count and matrix (also written to GITHUB_OUTPUT);
    `gitlab` a child pipeline, `buildkite` a pipeline to upload. Each machine then runs
    `affected run --shard I/N`, or finds I/N in AFFECTED_SHARD.
    """
    target = seconds_of(target_time)
    if form == "gitlab":
        from affected.ci.gitlab import MOST_SHARDS  # noqa: PLC0415

        most = min(most, MOST_SHARDS)
    with knowledge() as known:
        plan, head = _plan(known, base, count, target, most)
    from affected.report.jsonl import dump  # noqa: PLC0415
    from affected.report.shards import plan_lines, plan_object  # noqa: PLC0415

    as_json = dump(plan_object(plan, head))
    if out is not None:
        write_file(out, as_json)
    if form == "text":
        write_lines(plan_lines(plan, style_for(sys.stdout, environment())))
    elif form == "json":
        sys.stdout.write(as_json)
    elif form == "github":
        _github(plan)
    else:
        sys.stdout.write(_pipeline(form, plan, run, setup, image))


def _plan(
    known: Knowledge, base: str | None, count: int | None, target: float, most: int
) -> tuple[ShardPlan, str]:
    from affected.app.decide import decide  # noqa: PLC0415
    from affected.app.session import Request  # noqa: PLC0415
    from affected.app.sharding import make_plan, store_plan  # noqa: PLC0415

    request = Request(base=base or environment().get("AFFECTED_BASE"))
    selected = decide(known, request).selected
    plan = make_plan(known, selected, count, target, most)
    store_plan(known, plan)
    return plan, known.found.state.head


def _github(plan: ShardPlan) -> None:
    from affected.ci.github import matrix_outputs, output_lines  # noqa: PLC0415

    text = output_lines(matrix_outputs(plan))
    sys.stdout.write(text)
    append_to(environment().get("GITHUB_OUTPUT"), text)


def _pipeline(form: str, plan: ShardPlan, run: str, setup: tuple[str, ...], image: str) -> str:
    if form == "gitlab":
        from affected.ci.gitlab import child_pipeline  # noqa: PLC0415

        return child_pipeline(plan, run, GATE, setup, image)
    from affected.ci.buildkite import pipeline  # noqa: PLC0415

    return pipeline(plan, run, GATE, setup, image)
