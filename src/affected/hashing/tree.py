"""Input roots: trees of files as the Remote Execution API's `Directory` messages.

Unaware of the disk. A tree is a plain dictionary by name; what was encoded before is kept in it by
its blob's name alone (`Sealed`) and opened again only where something must be put inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from affected.hashing.wire import (
    blob_name,
    digest_message,
    fields,
    number_field,
    read_bytes,
    read_digest,
    read_number,
    read_text,
    sized_field,
    text_bytes,
    text_field,
)
from affected.model.blob import BlobName

_FILES: Final = 1  # fields of `Directory`
_FOLDERS: Final = 2
_LINKS: Final = 3
_MOST: Final = 200_000  # files, folders and links in one tree
_DEEPEST: Final = 200


class File(NamedTuple):
    """A file's content and whether it may be executed."""

    blob: BlobName
    executable: bool


class Link(NamedTuple):
    """A symbolic link's text."""

    text: str


@dataclass(slots=True)
class Sealed:
    """A folder known by its `Directory`'s name; `unseal` gives what is in it."""

    blob: BlobName
    unseal: Callable[[], Tree]


Node: TypeAlias = "File | Link | Sealed | Tree"
Tree: TypeAlias = "dict[str, Node]"


class Clash(ValueError):
    """Two things want one name: a file and a folder, or two files."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def put(tree: Tree, path: str, node: Node) -> None:
    """Puts `node` at `path`, folders made and opened on the way, two folders made into one.

    Raises Clash where something else has that name; the same thing twice is no clash.
    """
    *above, last = path.split("/")
    here = tree
    for depth, name in enumerate(above):
        here = _inside(here, name, "/".join(above[: depth + 1]))
    known = here.get(last)
    if known is None:
        here[last] = node
    elif known != node:
        _unite(here, last, known, node, path)


def mount(tree: Tree, path: str, below: Tree | Sealed) -> Tree:
    """`tree` with a folder put at `path`; "" unites it with the tree itself."""
    if path:
        put(tree, path, below)
        return tree
    for name, node in opened(below).items():
        put(tree, name, node)
    return tree


def opened(folder: Tree | Sealed) -> Tree:
    """A copy of what is in a folder, one level deep."""
    return dict(folder.unseal() if isinstance(folder, Sealed) else folder)


def _inside(here: Tree, name: str, path: str) -> Tree:
    node = here.get(name)
    if node is None:
        inner: Tree = {}
    elif isinstance(node, Sealed):
        inner = opened(node)
    elif isinstance(node, dict):
        return node
    else:
        raise Clash(path)
    here[name] = inner
    return inner


def _unite(here: Tree, name: str, known: Node, node: Node, path: str) -> None:
    if isinstance(known, (File, Link)) or isinstance(node, (File, Link)):
        raise Clash(path)
    if isinstance(known, Sealed) and isinstance(node, Sealed) and known.blob == node.blob:
        return
    inner = _inside(here, name, path)
    for below, child in opened(node).items():
        present = inner.get(below)
        if present is None:
            inner[below] = child
        elif present != child:
            _unite(inner, below, present, child, f"{path}/{below}")


def seal(tree: Tree, sink: MutableMapping[BlobName, bytes] | None = None) -> BlobName:
    """The name of the tree's `Directory`; `sink` takes the encoded ones, deepest first."""
    files: list[bytes] = []
    folders: list[bytes] = []
    links: list[bytes] = []
    for name in sorted(tree, key=text_bytes):
        node = tree[name]
        if isinstance(node, File):
            message = text_field(1, name) + sized_field(2, digest_message(node.blob))
            files.append(sized_field(1, message + number_field(4, int(node.executable))))
        elif isinstance(node, Link):
            links.append(sized_field(3, text_field(1, name) + text_field(2, node.text)))
        else:
            blob = node.blob if isinstance(node, Sealed) else seal(node, sink)
            folders.append(
                sized_field(2, text_field(1, name) + sized_field(2, digest_message(blob)))
            )
    message = b"".join((*files, *folders, *links))
    found = blob_name(message)
    if sink is not None:
        sink[found] = message
    return found


def tree_message(root: Tree) -> bytes:
    """`Tree`: a whole folder in one message, the root first, each other folder once."""
    sink: dict[BlobName, bytes] = {}
    top = seal(root, sink)
    children = sorted((blob, message) for blob, message in sink.items() if blob != top)
    below = b"".join(sized_field(2, message) for _, message in children)
    return sized_field(1, sink[top]) + below


def read_tree(message: bytes) -> Tree:
    """Inverse of `tree_message`; ValueError for anything else, and for names that are no names."""
    root = b""
    known: dict[BlobName, bytes] = {}
    for field, value in fields(message):
        if field == 1:
            root = read_bytes(value)
        elif field == 2:  # noqa: PLR2004
            child = read_bytes(value)
            known[blob_name(child)] = child
    return _Reader(known).folder(root, 0)


class _Reader:
    """Unfolds a `Tree`; what it holds twice counts twice, for it is restored twice."""

    def __init__(self, known: dict[BlobName, bytes]) -> None:
        self._known = known
        self._room = _MOST

    def folder(self, message: bytes, depth: int) -> Tree:
        """One `Directory` with all that is below it."""
        if depth > _DEEPEST:
            raise ValueError("its folders are too deep, or hold themselves")
        tree: Tree = {}
        for field, value in fields(message):
            if field not in {_FILES, _FOLDERS, _LINKS}:
                continue
            self._room -= 1
            if self._room < 0:
                raise ValueError("it holds too many files")
            name, node = self._node(field, read_bytes(value), depth)
            if name in tree:
                raise ValueError(f"it holds two things called {name!r}")
            tree[name] = node
        return tree

    def _node(self, kind: int, message: bytes, depth: int) -> tuple[str, Node]:
        found: dict[int, int | bytes] = dict(fields(message))
        name = read_text(found.get(1, b""))
        if name in {"", ".", ".."} or "/" in name or "\0" in name:
            raise ValueError(f"{name!r} is not the name of a file")
        content = read_bytes(found.get(2, b""))
        if kind == _LINKS:
            return name, Link(read_text(content))
        blob = read_digest(content)
        if kind == _FILES:
            return name, File(blob, bool(read_number(found.get(4, 0))))
        if blob not in self._known:
            raise ValueError(f"the folder {name!r} is missing")
        return name, self.folder(self._known[blob], depth + 1)


def walk(tree: Tree, prefix: str = "") -> Iterable[tuple[str, File | Link]]:
    """Every file and link of a tree with its path, folders opened, in order."""
    for name in sorted(tree, key=text_bytes):
        node = tree[name]
        path = f"{prefix}/{name}" if prefix else name
        if isinstance(node, (File, Link)):
            yield path, node
        else:
            yield from walk(opened(node), path)
