"""The shared cache's address and what a run may do with the caches, as people write them."""

from __future__ import annotations

import pytest

from affected.config.remote import (
    CachePolicy,
    Mode,
    RemoteAddress,
    chosen_address,
    parse_address,
    parse_policy,
)
from affected.errors import UserError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("grpc://127.0.0.1:8980", RemoteAddress("127.0.0.1", 8980)),
        ("grpcs://cache.example:443/team/trunk/", RemoteAddress("cache.example", 443, "team/trunk", tls=True)),
        ("grpc://[::1]:9092", RemoteAddress("[::1]", 9092)),
    ],
)  # fmt: skip
def test_an_address_is_read_and_told_again(text, address):
    """Host, port, instance and TLS; told without a trailing slash."""
    assert parse_address(text) == address
    assert str(address) == text.rstrip("/")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("localhost", True), ("[::1]", True), ("127.0.0.1.example", False)],
)
def test_loopback_is_known(host, loopback):
    """What is sent there leaves this machine or does not."""
    assert RemoteAddress(host, 1).loopback == loopback


def test_the_variable_goes_before_the_setting():
    """AFFECTED_REMOTE names another one, or `off` for none."""
    configured = RemoteAddress("a", 1)
    assert chosen_address(configured, {}) == configured
    assert chosen_address(configured, {"AFFECTED_REMOTE": "grpc://b:2"}) == RemoteAddress("b", 2)
    assert chosen_address(configured, {"AFFECTED_REMOTE": "off"}) is None


@pytest.mark.parametrize(
    ("named", "hint"),
    [
        ("127.0.0.1:8980", "did you mean `grpc://127.0.0.1:8980`?"),
        ("https://cache:443", "it is spoken to by gRPC"),
        ("grpc://me:s3cret@cache:1", "a token goes into AFFECTED_TOKEN"),
        ("nonsense", "write grpc://HOST:PORT"),
    ],
)
def test_a_variable_that_is_no_address_says_what_was_meant(named, hint):
    """The way out is named; what was written is not repeated where it may hold a secret."""
    with pytest.raises(UserError) as raised:
        chosen_address(None, {"AFFECTED_REMOTE": named})
    assert hint in raised.value.hint
    assert "s3cret" not in f"{raised.value.message} {raised.value.hint}"


def test_modes_are_read():
    """What is not named stays as usual."""
    assert parse_policy("local:r") == CachePolicy(Mode.READ, Mode.BOTH)
    assert parse_policy("remote:off, local:w") == CachePolicy(Mode.WRITE, Mode.OFF)
    assert [mode.value for mode in Mode if mode.reads] == ["r", "rw"]
    assert [mode.value for mode in Mode if mode.writes] == ["w", "rw"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("remot:r", "did you mean `remote:`?"),
        ("rw", "write for example local:rw,remote:r"),
        ("", "write for example local:rw,remote:r"),
        ("local:x", "modes are r, w, rw, off"),
        ("local:r,local:w", "name each once"),
    ],
)
def test_modes_that_are_none_are_refused_with_the_nearest(text, said):
    """The error names the part that is wrong and the way out."""
    with pytest.raises(UserError) as raised:
        parse_policy(text)
    assert said in raised.value.hint
