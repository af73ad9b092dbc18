"""The hand-written encodings are, byte for byte, what protobuf makes of the same messages."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affected.hashing import tree as tree_module
from affected.hashing.action import (
    Action,
    ActionResult,
    Command,
    Folder,
    read_result,
    salt_of,
)
from affected.hashing.tree import (
    Clash,
    File,
    Link,
    Sealed,
    mount,
    put,
    read_tree,
    seal,
    tree_message,
    walk,
)
from affected.hashing.wire import blob_name, duration_message, varint
from affected.model.blob import EMPTY, BlobName
from affected.reapi import remote_execution_pb2 as pb

few = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
blobs = st.binary(max_size=4).map(blob_name)
names = st.text("ab-é. ", min_size=1, max_size=4).filter(lambda name: name not in {".", ".."})
files = st.builds(File, blobs, st.booleans())
links = st.builds(Link, st.text("ab./", min_size=1, max_size=5))
trees = st.recursive(
    st.dictionaries(names, files | links, max_size=3),
    lambda below: st.dictionaries(names, files | links | below, max_size=3),
    max_leaves=8,
)
texts = st.text(max_size=5)
pairs = st.dictionaries(st.text(min_size=1, max_size=4), texts, max_size=3).map(
    lambda found: tuple(found.items())
)


def same(message, encoded):
    """The message that protobuf reads, after checking that it would write the same bytes."""
    found = message.FromString(encoded)
    assert found.SerializeToString(deterministic=True) == encoded
    return found


@few
@given(st.lists(texts, max_size=4), pairs, texts, st.lists(texts, max_size=3))
def test_a_command_is_encoded_as_protobuf_does(arguments, environment, folder, outputs):
    """Arguments keep their order, variables and outputs are sorted as the API asks."""
    command = Command(tuple(arguments), environment, folder, tuple(outputs))
    found = same(pb.Command, command.encode())
    assert list(found.arguments) == arguments
    assert [(v.name, v.value) for v in found.environment_variables] == sorted(environment)
    assert list(found.output_paths) == sorted(outputs)
    assert found.working_directory == folder


@few
@given(
    blobs, blobs, pairs, st.none() | st.integers(0, 10**9).map(lambda ms: ms / 1000), st.booleans()
)
def test_an_action_is_encoded_as_protobuf_does(command, root, platform, timeout, cached):
    """Whatever a result depends on is in the message."""
    found = same(pb.Action, Action(command, root, platform, timeout, b"salt", cached).encode())
    assert found.input_root_digest.hash == root.sha256
    assert found.do_not_cache is not cached
    assert found.HasField("timeout") is (timeout is not None)


@few
@given(trees)
def test_a_tree_is_encoded_as_protobuf_does_and_read_back(tree):
    """Every `Directory` is canonical, and a `Tree` message gives the same files again."""
    sink = {}
    root = seal(tree, sink)
    for blob, message in sink.items():
        same(pb.Directory, message)
        assert blob_name(message) == blob
    encoded = tree_message(tree)
    assert same(pb.Tree, encoded).root == pb.Directory.FromString(sink[root])
    assert list(walk(read_tree(encoded))) == list(walk(tree))
    assert seal(read_tree(encoded)) == root


@few
@given(
    st.dictionaries(names, files | links | st.builds(Folder, blobs, blobs), max_size=4),
    blobs,
    st.integers(0, 10**6).map(lambda ms: ms / 1000),
)
def test_a_result_is_encoded_as_protobuf_does_and_read_back(outputs, stdout, seconds):
    """Outputs of each kind, what was printed and how long it took."""
    result = ActionResult(tuple(sorted(outputs.items())), 3, stdout, "me", seconds)
    encoded = result.encode()
    same(pb.ActionResult, encoded)
    assert read_result(encoded) == result


@few
@given(st.binary(max_size=40))
def test_damaged_messages_are_refused_or_read_but_never_break_anything(raw):
    """Bytes from a cache are not trusted: ValueError is all that may come of them."""
    for read in (read_result, read_tree):
        try:
            read(raw)
        except ValueError:
            continue


@few
@given(trees, trees)
def test_a_sealed_folder_counts_as_what_is_in_it(one, other):
    """Putting a folder that is known by its digest alone gives the same root as its files do."""
    sealed = Sealed(seal(one), lambda: one)
    plain, short = {}, {}
    try:
        mount(mount(plain, "a/b", one), "a", other)
    except Clash:
        with pytest.raises(Clash):
            mount(mount(short, "a/b", sealed), "a", other)
        return
    assert seal(mount(mount(short, "a/b", sealed), "a", other)) == seal(plain)


def test_a_file_where_a_folder_belongs_is_a_clash():
    """The path that two things want is named."""
    tree = {}
    put(tree, "a", File(EMPTY, False))
    put(tree, "a", File(EMPTY, False))
    with pytest.raises(Clash) as caught:
        put(tree, "a/b", File(EMPTY, False))
    assert caught.value.path == "a"
    with pytest.raises(Clash):
        put(tree, "a", File(EMPTY, True))


def test_trees_with_names_that_are_no_names_are_refused():
    """A folder from a cache cannot name a place outside itself."""
    for name in ("..", ".", "", "a/b", "a\0"):
        message = pb.Tree()
        node = message.root.files.add(name=name)
        node.digest.hash, node.digest.size_bytes = EMPTY
        with pytest.raises(ValueError, match="not the name"):
            read_tree(message.SerializeToString())


def test_a_tree_with_two_things_of_one_name_is_refused():
    """A file and a folder called alike cannot both be restored."""
    message = pb.Tree()
    empty = blob_name(b"")
    for nodes in (message.root.files, message.root.directories):
        node = nodes.add(name="a")
        node.digest.hash, node.digest.size_bytes = empty
    message.children.add()
    with pytest.raises(ValueError, match="two things"):
        read_tree(message.SerializeToString())


def test_a_folder_that_doubles_at_each_level_is_refused(monkeypatch):
    """A small message cannot unfold into more files than a disk has."""
    monkeypatch.setattr(tree_module, "_MOST", 2000)
    folder, message = pb.Directory(), pb.Tree()
    for _ in range(60):
        message.children.append(folder)
        blob = blob_name(folder.SerializeToString())
        folder = pb.Directory()
        for name in "ab":
            node = folder.directories.add(name=name)
            node.digest.hash, node.digest.size_bytes = blob
    message.root.CopyFrom(folder)
    with pytest.raises(ValueError, match="too many"):
        read_tree(message.SerializeToString())


def test_small_numbers_and_times():
    """The encoding of numbers, by the examples of the format's own guide."""
    assert varint(150) == b"\x96\x01"
    assert duration_message(0) == b""
    assert duration_message(1.5) == b"\x08\x01\x10\x80\xca\xb5\xee\x01"
    assert salt_of(["", ""]) == b""
    assert salt_of(["a", ""]) != salt_of(["", "a"])
    assert BlobName("a", 1) == ("a", 1)
