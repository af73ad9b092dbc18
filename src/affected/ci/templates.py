"""The files by which a CI system runs `affected`, as `affected init` proposes them.

Unaware of disks and of what is there already. Each has one job that always reports, so that a check
which requires it never hangs: when nothing is affected, when a shard is lost, when planning fails.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Final

CACHE: Final = ".affected-cache"

_GITHUB: Final = """\
# Proposed by `affected init`; yours to edit. Require the check "affected": it always reports.
name: affected
on:
  pull_request:
  merge_group:
  push:
    branches: [@BRANCH@]
permissions:
  contents: read
concurrency:
  group: affected-${{ github.event.pull_request.number || github.sha }}
  cancel-in-progress: ${{ github.event_name == 'pull_request' }}
env:
  AFFECTED_CACHE_DIR: ${{ github.workspace }}/@CACHE@
  # A cache that all jobs share is better than what they hand on below: uncomment.
  # AFFECTED_REMOTE: ${{ vars.AFFECTED_REMOTE }}
  # AFFECTED_TOKEN: ${{ secrets.AFFECTED_TOKEN }}  # forks have none, and need none to read
jobs:
  plan:
    name: affected / plan
    runs-on: ubuntu-latest
    outputs:
      any: ${{ steps.plan.outputs.any }}
      matrix: ${{ steps.plan.outputs.matrix }}
    steps:
      - uses: actions/checkout@v4  # one commit is enough
      - uses: actions/setup-python@v5
        with:
          python-version: "@PYTHON@"
@INSTALL@
      - uses: actions/cache/restore@v4
        with:
          path: @CACHE@
          key: affected-${{ runner.os }}-${{ github.sha }}
          restore-keys: affected-${{ runner.os }}-
      - id: plan
        run: affected shards --target-time 5m --format github --out affected-plan.json
      - uses: actions/upload-artifact@v4
        with:
          name: affected-plan
          path: affected-plan.json
  shard:
    name: affected / ${{ matrix.shard }}
    needs: plan
    if: needs.plan.outputs.any == 'true'
    runs-on: ubuntu-latest
    strategy:
      fail-fast: false
      matrix: ${{ fromJSON(needs.plan.outputs.matrix) }}
    env:
      AFFECTED_SHARD: ${{ matrix.shard }}
      JOB: ${{ strategy.job-index }}
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "@PYTHON@"
@INSTALL@
      - uses: actions/cache/restore@v4
        with:
          path: @CACHE@
          key: affected-${{ runner.os }}-${{ github.sha }}
          restore-keys: affected-${{ runner.os }}-
      - run: |
          mkdir -p @CACHE@/records out
          touch out/started
          affected run --junit out/junit.xml --report out/affected-report-$JOB.json
      - name: What is new in the cache, for the gate to hand on
        if: always()
        working-directory: @CACHE@/records
        run: |
          find . -type f -path './*/*/*' -newer ../../out/started -print0 |
          tar --null -T - -czf ../../out/new-$JOB.tgz
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: affected-shard-${{ strategy.job-index }}
          path: out
          overwrite: true  # a job that is run again
  gate:
    name: affected
    needs: [plan, shard]
    if: always()
    runs-on: ubuntu-latest
    steps:
      - uses: actions/setup-python@v5
        with:
          python-version: "@PYTHON@"
      - run: pip install affected-ci
      - uses: actions/cache/restore@v4
        with:
          path: @CACHE@
          key: affected-${{ runner.os }}-${{ github.sha }}
          restore-keys: affected-${{ runner.os }}-
      - uses: actions/download-artifact@v4
        with:
          pattern: affected-*
          merge-multiple: true
      - name: Results of all shards together, for the next run
        run: |
          mkdir -p @CACHE@/records
          for new in new-*.tgz; do
            if [ -e "$new" ]; then tar xzf "$new" -C @CACHE@/records; fi
          done
      - uses: actions/cache/save@v4
        with:
          path: @CACHE@
          key: affected-${{ runner.os }}-${{ github.sha }}-${{ github.run_id }}-@ATTEMPT@
      # Adds --comment FILE for a tool of yours that keeps one comment up to date.
      - run: affected gate affected-plan.json .
"""

_GITLAB: Final = """\
# Proposed by `affected init`; yours to edit. The file .gitlab-ci.yml must include it:
# include: [{local: .gitlab/affected.yml}]
# "affected" is the child pipeline with one job a shard and a gate; its result is this job's.
affected-plan:
  stage: test
  image: @IMAGE@
  variables:
    GIT_DEPTH: "1"
    AFFECTED_CACHE_DIR: $CI_PROJECT_DIR/@CACHE@
  cache:
    key: affected-$CI_COMMIT_REF_SLUG
    fallback_keys: [affected-$CI_DEFAULT_BRANCH]
    paths: [@CACHE@]
    policy: pull
  script:
@INSTALL@
    - >-
      affected shards --target-time 5m --format gitlab --image @IMAGE@
      @SETUP@
      --out affected-plan.json > affected-pipeline.yml
  artifacts:
    paths: [affected-plan.json, affected-pipeline.yml]
    expire_in: 1 week
affected:
  stage: test
  needs: [affected-plan]
  variables:
    PARENT_PIPELINE_ID: $CI_PIPELINE_ID
  trigger:
    include:
      - artifact: affected-pipeline.yml
        job: affected-plan
    strategy: depend
"""

_BUILDKITE: Final = """\
# Proposed by `affected init`; yours to edit. Require the step "affected": it always reports.
# Agents keep their own cache; set AFFECTED_REMOTE for one that they share.
steps:
  - label: "affected: plan"
    key: affected-plan
    command:
@INSTALL@
      - >-
        affected shards --target-time 5m --format buildkite
        @SETUP@
        --out affected-plan.json > affected-pipeline.json
      - buildkite-agent artifact upload affected-plan.json
      - buildkite-agent pipeline upload affected-pipeline.json
"""


def github(branch: str, python: str, install: Sequence[str]) -> str:
    """A workflow: plan, one job a shard, one gate."""
    steps = "\n".join(f"      - run: {_scalar(command)}" for command in install)
    attempt = "${{ github.run_attempt }}"
    return _filled(_GITHUB, ATTEMPT=attempt, BRANCH=branch, PYTHON=python, INSTALL=steps)


def gitlab(branch: str, python: str, install: Sequence[str]) -> str:  # noqa: ARG001
    """Jobs to include: one that plans, one that is the child pipeline."""
    commands = "\n".join(f"    - {_scalar(command)}" for command in install)
    image = f"python:{python}"
    return _filled(_GITLAB, INSTALL=commands, SETUP=_setup(install), IMAGE=image)


def buildkite(branch: str, python: str, install: Sequence[str]) -> str:  # noqa: ARG001
    """A pipeline with the step that uploads the others."""
    commands = "\n".join(f"      - {_scalar(command)}" for command in install)
    return _filled(_BUILDKITE, INSTALL=commands, SETUP=_setup(install))


def _setup(install: Sequence[str]) -> str:
    return " ".join(f"--setup '{command}'" for command in install)


def _scalar(command: str) -> str:
    return json.dumps(command) if any(sign in command for sign in ":#'\"{}[]&*!|>%@`") else command


def _filled(template: str, **values: str) -> str:
    text = template.replace("@CACHE@", CACHE)
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


# By the system's name: where its file goes, and what is in it.
TEMPLATES: Final[dict[str, tuple[str, Callable[[str, str, Sequence[str]], str]]]] = {
    "github": (".github/workflows/affected.yml", github),
    "gitlab": (".gitlab/affected.yml", gitlab),
    "buildkite": (".buildkite/affected.yml", buildkite),
}
