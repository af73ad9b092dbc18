"""Results of commands: from what is on disk, into the cache, and back.

Unaware of when a command runs. Paths in a result are seen from the command's folder, or from the
root for a command that writes outside its folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from affected.app.command_state import Outputs
from affected.cache.command_result import read_result_record
from affected.cache.protocol import RecordStore
from affected.fs.outputs import Harvest, OutputTrouble, Written, content, harvest, is_glob
from affected.fs.restore import check, folds_case, restore
from affected.hashing.action import ActionResult, Folder, read_result
from affected.hashing.tree import (
    File,
    Link,
    Sealed,
    Tree,
    opened,
    put,
    read_tree,
    seal,
    tree_message,
)
from affected.hashing.wire import blob_name
from affected.model.blob import EMPTY, BlobName
from affected.model.command import CommandTarget
from affected.model.path import ROOT, RepoPath, is_under, join, relative_to


@dataclass(frozen=True, slots=True)
class Found:
    """The outputs of a target as they are on disk now."""

    outputs: Outputs
    trees: Mapping[BlobName, bytes]  # the `Tree` of each output folder
    harvest: Harvest


def folder_of_result(target: CommandTarget) -> RepoPath:
    """The folder that paths in the target's result are seen from."""
    inside = all(is_under(o, target.folder) and o != target.folder for o in target.outputs)
    return target.folder if inside else ROOT


def look(root: Path, target: CommandTarget) -> Found:
    """Digests what is there. OutputTrouble for what cannot be kept."""
    found = harvest(root, target.outputs)
    outputs: list[tuple[RepoPath, File | Folder | Link]] = []
    trees: dict[BlobName, bytes] = {}
    held: set[RepoPath] = set()
    present = set(found.folders)
    for output in target.outputs:
        if is_glob(output) or output not in present:
            continue
        tree = _tree(output, found)
        message = tree_message(tree)
        trees[blob_name(message)] = message
        outputs.append((output, Folder(blob_name(message), seal(tree))))
        held.add(output)
    for one in found.written:
        if not any(is_under(one.path, folder) for folder in held):
            node = Link(one.link) if one.blob is None else File(one.blob, one.executable)
            outputs.append((one.path, node))
    return Found(tuple(sorted(outputs)), trees, found)


def _tree(folder: RepoPath, found: Harvest) -> Tree:
    tree: Tree = {}
    for inner in found.folders:
        if inner != folder and is_under(inner, folder):
            put(tree, relative_to(inner, folder), {})
    for one in found.written:
        if is_under(one.path, folder):
            node = Link(one.link) if one.blob is None else File(one.blob, one.executable)
            put(tree, relative_to(one.path, folder), node)
    return tree


def result_of(target: CommandTarget, found: Found, output: bytes, seconds: float) -> ActionResult:
    """What is stored of a command that passed."""
    start = folder_of_result(target)
    outputs = tuple((relative_to(path, start), node) for path, node in found.outputs)
    return ActionResult(outputs, 0, blob_name(output), seconds=seconds)


def blobs_of(root: Path, found: Found, output: bytes) -> dict[str, bytes] | None:
    """All that a result names, read again; None when an output is not as it was found."""
    blobs = {name.sha256: message for name, message in found.trees.items()}
    if output:
        blobs[blob_name(output).sha256] = output
    for one in found.harvest.written:
        if one.blob is None or one.blob.sha256 in blobs or one.blob == EMPTY:
            continue
        try:
            raw = content(root, one.path)
        except OSError:
            return None
        if blob_name(raw) != one.blob:
            return None
        blobs[one.blob.sha256] = raw
    return blobs


def outputs_of(target: CommandTarget, result: ActionResult) -> Outputs:
    """A result's outputs by path from the root."""
    start = folder_of_result(target)
    return tuple(sorted((join(start, path), node) for path, node in result.outputs))


def look_up(store: RecordStore, keys: Mapping[str, str]) -> dict[str, ActionResult]:
    """The passes that are stored, by label; `keys` are the actions' SHA-256 by label."""
    found: dict[str, ActionResult] = {}
    records = store.get(sorted(set(keys.values())))
    for label, key in keys.items():
        record = records.get(key)
        if record is None:
            continue
        try:
            result = read_result(read_result_record(record)[0])
        except (ValueError, UnicodeDecodeError):
            continue  # somebody else's, or damaged: a miss
        if result.exit_code == 0:
            found[label] = result
    return found


def bring_back(
    root: Path, target: CommandTarget, result: ActionResult, store: RecordStore
) -> bytes:
    """Restores the outputs of a result; what the command printed.

    Raises OutputTrouble when the result may not be restored, and KeyError when the cache has some
    part of it no more: in both cases the command is to run.
    """
    outputs = outputs_of(target, result)
    trees = store.get_blobs([n.tree.sha256 for _, n in outputs if isinstance(n, Folder)])
    written: list[Written] = []
    folders: list[RepoPath] = []
    for path, node in outputs:
        if isinstance(node, Folder):
            if path not in target.outputs:
                raise OutputTrouble(f"the cache holds a folder {path} that is no declared output")
            folders.append(path)
            _expand(path, _sound_tree(node, trees[node.tree.sha256]), written, folders)
        else:
            written.append(_written(path, node))
    check(target.outputs, written, folds_case=folds_case(root))
    wanted = {one.blob for one in written if one.blob is not None and one.blob != EMPTY}
    if result.stdout != EMPTY:
        wanted.add(result.stdout)
    blobs = store.get_blobs(sorted(blob.sha256 for blob in wanted))

    def read(blob: BlobName) -> bytes:
        return b"" if blob == EMPTY else blobs[blob.sha256]

    for blob in wanted:
        read(blob)  # all of it is there, or nothing is touched
    restore(root, target.outputs, written, folders, read)
    return read(result.stdout)


def printed(result: ActionResult, store: RecordStore) -> bytes:
    """What the command of a result printed; b"" when the cache has it no more."""
    if result.stdout == EMPTY:
        return b""
    return store.get_blobs([result.stdout.sha256]).get(result.stdout.sha256, b"")


def _sound_tree(node: Folder, message: bytes) -> Tree:
    try:
        tree = read_tree(message)
    except ValueError as error:
        raise OutputTrouble(f"the cache holds a folder that is none: {error}") from error
    if node.root not in {EMPTY, seal(tree)}:
        raise OutputTrouble("the cache holds a folder that is not the one it names")
    return tree


def _expand(path: RepoPath, tree: Tree, written: list[Written], folders: list[RepoPath]) -> None:
    for entry, node in tree.items():
        inner = join(path, entry)
        if isinstance(node, (File, Link)):
            written.append(_written(inner, node))
        else:
            folders.append(inner)
            _expand(inner, opened(node) if isinstance(node, Sealed) else node, written, folders)


def _written(path: RepoPath, node: File | Link) -> Written:
    if isinstance(node, Link):
        return Written(path, None, link=node.text)
    return Written(path, node.blob, node.executable)
