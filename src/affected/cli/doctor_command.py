"""`affected doctor`. Unaware of what is looked at."""

from __future__ import annotations

import sys

import click

from affected.app.doctor import doctor
from affected.cli.opening import knowledge
from affected.cli.terminal import environment, style_for, write_lines
from affected.report.answers import doctor_lines
from affected.report.jsonl import doctor_object, dump


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def command(*, as_json: bool) -> None:
    """Say what is set up, what is not, and what each finding costs."""
    with knowledge() as known:
        findings = doctor(known)
    if as_json:
        sys.stdout.write(dump(doctor_object(findings)))
    else:
        write_lines(doctor_lines(findings, style_for(sys.stdout, environment())))
