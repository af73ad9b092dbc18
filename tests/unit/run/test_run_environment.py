"""Which variables tests see and which of them are inputs."""

from __future__ import annotations

from affected.run.environment import environment_inputs, scrub

ENVIRON = {
    "PATH": "/bin",
    "HOME": "/home",
    "LANG": "C.UTF-8",
    "LC_ALL": "C",
    "SECRET_TOKEN": "x",
    "APP_MODE": "test",
    "APP_LEVEL": "2",
    "PYTHONPATH": "/repo/src:/repo:/elsewhere",
    "AFFECTED_CACHE": "y",
}


def test_only_listed_and_declared_variables_are_passed_on():
    """A test cannot depend on what it cannot see."""
    assert set(scrub(ENVIRON)) == {"PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH"}
    assert set(scrub(ENVIRON, ["APP_*"])) >= {"APP_MODE", "APP_LEVEL"}
    assert "APP_LEVEL" not in scrub(ENVIRON, ["APP_MODE"])


def test_values_that_count_are_told_sorted_and_independent_of_the_checkout():
    """Absent ones too, as None."""
    told = environment_inputs(ENVIRON, ["APP_MODE", "APP_NONE"], "/repo")
    assert list(told) == sorted(told, key=lambda pair: pair[0])
    values = dict(told)
    assert values["PYTHONPATH"] == "./src:.:/elsewhere"
    assert values["APP_MODE"] == "test"
    assert values["APP_NONE"] is None
    assert values["TZ"] is None
    assert values["LC_ALL"] == "C"
    assert "PATH" not in values
    assert "APP_LEVEL" not in values


def test_patterns_count_every_variable_they_match():
    """A declared pattern names values, not one variable."""
    assert dict(environment_inputs(ENVIRON, ["APP_*"]))["APP_LEVEL"] == "2"
    assert "APP_*" not in dict(environment_inputs(ENVIRON, ["APP_*"]))
