# `make run` shows the main job on a sample monorepo; `make test` passes the tests.
# Both set themselves up: nothing is needed but Python 3.11 or newer, pip, git and make.

VENV ?= .venv
PYTHON := $(shell sh .ci/newest-python)
PY := $(VENV)/bin/python

.PHONY: run test lint check clean

run: $(VENV)/.ready
	@$(PY) -m benchmarks.showcase

test: $(VENV)/.ready
	$(PY) -m pytest -q -n 2 --dist loadgroup

lint: $(VENV)/.ready
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports

check: lint test

$(VENV)/.ready: pyproject.toml .ci/newest-python .ci/static-path.py
	@test -n "$(PYTHON)" || { echo "no Python 3.11 or newer was found"; exit 1; }
	@echo "setting up $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@$(PY) .ci/static-path.py
	@touch $@

clean:
	rm -rf $(VENV) .venv-* .affected-cache .mypy_cache .ruff_cache .pytest_cache .hypothesis build
