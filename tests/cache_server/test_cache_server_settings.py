"""Sizes, addresses, tokens and names: what is read, what is refused."""

import pytest

from cache_server import keys
from cache_server.auth import Access, Grant, Scope, anonymous_scope, parse_tokens
from cache_server.keys import BlobKey, Malformed
from cache_server.settings import Address, SettingsError, default_folder, parse_address, parse_size

HASH = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("50G", 50 << 30),
        ("1.5g", 3 << 29),
        ("800 MiB", 800 << 20),
        ("2TB", 2 << 40),
        ("2000K", 2048000),
    ],
)
def test_sizes_are_read_in_units_of_1024(text, size):
    """With or without B."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "G", "-1G", "1X", "1G5", "100"])
def test_what_is_no_size_is_refused(text):
    """Or is too small to be meant."""
    with pytest.raises(SettingsError):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "address", "loopback"),
    [
        ("127.0.0.1:8980", Address("127.0.0.1", 8980), True),
        ("[::1]:0", Address("::1", 0), True),
        ("localhost:1", Address("localhost", 1), True),
        ("0.0.0.0:80", Address("0.0.0.0", 80), False),  # noqa: S104
        ("[::]:80", Address("::", 80), False),
        ("cache.example:80", Address("cache.example", 80), False),
    ],
)
def test_addresses_are_host_and_port(text, address, loopback):
    """And are known to be this machine's alone, or not."""
    assert parse_address(text) == address
    assert str(address) == text
    assert address.is_loopback() is loopback


def test_the_folder_follows_the_users_cache_folder(tmp_path):
    """XDG_CACHE_HOME counts."""
    folder = default_folder({"XDG_CACHE_HOME": str(tmp_path)})
    assert folder == tmp_path / "affected" / "server"
    assert default_folder({}).parts[-3:] == (".cache", "affected", "server")


def test_tokens_have_a_scope_and_a_name(reader, writer):
    """Lines or commas, comments, names that default to the entry's number."""
    text = f"# who\n{reader} read ann\n\n{writer} read-write"
    assert parse_tokens(text) == {
        reader: Grant("ann", Scope.READ),
        writer: Grant("token-4", Scope.READ_WRITE),
    }
    assert parse_tokens(f"{reader} read,{writer} read-write").keys() == {reader, writer}
    assert parse_tokens("") == {}


@pytest.mark.parametrize(
    "text", ["alone-in-the-line-1", "{r} write", "short read", "{r} read a b", "{r} read\n{r} read"]
)
def test_token_lists_that_are_wrong_are_refused_without_telling_a_token(reader, text):
    """The number of the entry is told."""
    with pytest.raises(SettingsError, match=r"token entry \d") as failed:
        parse_tokens(text.format(r=reader))
    assert reader not in str(failed.value)


def test_access_is_decided_by_the_bearer_token(reader, writer, tokens):
    """Unknown tokens and other kinds of header get nothing, not even what no header gets."""
    access = Access(parse_tokens(tokens), Scope.READ)
    assert access.grant(f"Bearer {writer}").scope is Scope.READ_WRITE
    assert access.grant(f"bearer  {reader}").name == "ann"
    assert access.grant(None).name == "anonymous"
    for header in (f"Basic {reader}", "Bearer", "Bearer ", reader, f"Bearer {reader}x", ""):
        assert access.grant(header) is None
    assert Access({}, Scope.READ_WRITE).grant("Bearer whatever").scope is Scope.READ_WRITE
    assert Access(parse_tokens(tokens), None).grant(None) is None


@pytest.mark.parametrize(
    ("asked", "tokens", "loopback", "authority", "scope"),
    [
        (None, False, True, False, Scope.READ_WRITE),
        (None, False, False, True, Scope.READ_WRITE),
        (None, True, True, False, None),
        ("read", True, False, False, Scope.READ),
        ("read-write", False, False, False, Scope.READ_WRITE),
        ("none", False, True, False, None),
    ],
)
def test_who_has_no_token_may_do_only_what_is_safe(asked, tokens, loopback, authority, scope):
    """Everything on this machine alone; nothing beside tokens; what was asked for anyway."""
    found = anonymous_scope(asked, tokens=tokens, loopback=loopback, client_authority=authority)
    assert found is scope


def test_an_open_address_needs_a_decision():
    """No token, no authority, nothing said."""
    with pytest.raises(SettingsError, match="anyone"):
        anonymous_scope(None, tokens=False, loopback=False, client_authority=False)


def test_resource_names_are_taken_apart():
    """Instances may hold slashes."""
    blob = BlobKey(HASH, 12)
    for instance in ("", "main", "team/a/b"):
        before = f"{instance}/" if instance else ""
        read = keys.read_resource(f"{before}blobs/{HASH}/12")
        assert (read.instance, read.blob, read.compressed) == (instance, blob, False)
        read = keys.read_resource(f"/{before}compressed-blobs/zstd/{HASH}/12")
        assert (read.instance, read.blob, read.compressed) == (instance, blob, True)
        write = keys.write_resource(f"{before}uploads/u-1/blobs/{HASH}/12/a/b")
        assert (write.instance, write.blob, write.upload) == (instance, blob, "u-1")
        assert keys.write_resource(f"{before}uploads/u/compressed-blobs/zstd/{HASH}/12").compressed


@pytest.mark.parametrize(
    "name",
    [
        f"blobs/{HASH}",
        f"blobs/{HASH}/-1",
        f"blobs/{HASH}/01",
        f"blobs/{HASH}/1x",
        f"blobs/{HASH}/1/more",
        f"blobs/{HASH.upper()}/1",
        f"blobs/blake3/{HASH}/1",
        f"compressed-blobs/{HASH}/1",
        f"compressed-blobs/deflate/{HASH}/1",
        f"uploads/u/blobs/{HASH}/1",
        f"actions/blobs/{HASH}/1",
        f"{HASH}/1",
        "",
    ],
)
def test_names_that_cannot_be_read_are_refused(name):
    """Each with a sentence."""
    with pytest.raises(Malformed):
        keys.read_resource(name)


def test_action_names_keep_instances_and_sizes_apart():
    """One name for each."""
    names = {
        keys.action_name(instance, BlobKey(HASH, size)) for instance in ("", "a") for size in (1, 2)
    }
    assert len(names) == 4
    assert all(keys.HASH.fullmatch(name) for name in names)
