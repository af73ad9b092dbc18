"""Keys of command targets: digests of real Actions with real input roots, made where needed.

Unaware of results' whereabouts. What git knows of a clean file stands for its bytes: a blob is read
once in its life, and a file set that nothing touched is known by its digest alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from affected.app.command_plan import Plan
from affected.app.command_results import folder_of_result
from affected.app.command_state import CommandState, Outputs, set_key
from affected.app.command_watch import TOOLS_KEY, tools_token
from affected.app.compose import Workspace
from affected.errors import UserError
from affected.fs.digests import stamp_of
from affected.fs.ignore import Patterns
from affected.hashing.action import Action, Command, Folder, salt_of
from affected.hashing.tree import Clash, File, Link, Node, Sealed, Tree, mount, put, read_tree, seal
from affected.hashing.wire import blob_name
from affected.model.blob import BlobName
from affected.model.command import CommandTarget, FileSet
from affected.model.digest import SUBMODULE, Digest, is_link
from affected.model.path import ROOT, RepoPath, display, join, relative_to
from affected.run.environment import environment_inputs, scrub


@dataclass(frozen=True, slots=True)
class Known:
    """What a target's dependents must know of it."""

    key: str
    outputs: Outputs


@dataclass(frozen=True, slots=True)
class Key:
    """A target's action; `name` is what its result is looked up by."""

    name: BlobName
    action: bytes
    command: bytes
    root: BlobName


class Keys:
    """Makes keys; each file set and each program is looked at once."""

    def __init__(
        self,
        workspace: Workspace,
        plan: Plan,
        state: CommandState,
        known: Callable[[str], Known],
        read_tree_blob: Callable[[BlobName], bytes],
    ) -> None:
        """`known` tells of a target that needs nothing more; `read_tree_blob` gives a `Tree`."""
        self._workspace = workspace
        self._plan = plan
        self._state = state
        self._known = known
        self._read_tree_blob = read_tree_blob
        self._sets: dict[FileSet, Sealed] = {}
        self._trees: dict[FileSet, Tree] = {}
        self._visible: dict[str, frozenset[str]] = {}
        self._variables: dict[tuple[str, ...], tuple[tuple[str, str], ...]] = {}
        self._fresh: dict[str, BlobName] = {}  # read here for the first time
        self._environments: dict[tuple[str, ...], dict[str, str]] = {}
        self.tools = Tools(workspace)

    def key(self, target: CommandTarget) -> Key:
        """The target's key now; everything that it needs must be known.

        Raises UserError for an input that cannot be read, and where inputs are in each other's way.
        """
        try:
            root = seal(self.input_root(target))
        except Clash as clash:
            raise UserError(
                f"{display(target.label)}: {display(clash.path)} is both a file and a folder"
                " among its inputs",
                "an output of a dependency has the place of a source: give it another one",
            ) from clash
        command = self.command(target).encode()
        action = Action(
            command=blob_name(command),
            input_root=root,
            platform=(*_platform(), ("affected-program", self.tools.digest(target))),
            timeout=target.timeout,
            salt=salt_of(self._salt(target)),
            cached=target.cache,
        ).encode()
        return Key(blob_name(action), action, command, root)

    def store(self) -> None:
        """Remembers the blobs and programs that were looked at; call inside a transaction."""
        if self._fresh:
            self._workspace.index.add_blobs(self._fresh)
            self._fresh.clear()
        self.tools.store()

    def command(self, target: CommandTarget) -> Command:
        """What is started, as the Remote Execution API says it."""
        counted = self._variables.get(target.env)
        if counted is None:
            environ, root = self._workspace.environ, str(self._workspace.root)
            found = environment_inputs(environ, target.env, root)
            counted = tuple((name, value) for name, value in found if value is not None)
            self._variables[target.env] = counted
        start = folder_of_result(target)
        arguments = target.arguments
        if start != target.folder:  # it writes above its folder, which the API cannot say
            arguments = ("sh", "-c", 'cd "$0" && exec "$@"', target.folder, *arguments)
        return Command(
            arguments=arguments,
            environment=counted,
            folder=start,
            outputs=tuple(relative_to(path, start) for path in target.outputs),
        )

    def environment(self, target: CommandTarget) -> dict[str, str]:
        """Every variable that a target's command sees."""
        if target.env not in self._environments:
            self._environments[target.env] = scrub(self._workspace.environ, target.env)
        path = search_path(self._workspace, target)
        return {**self._environments[target.env], "PATH": path}

    def input_root(self, target: CommandTarget) -> Tree:
        """Every file that the target may depend on: its sources and what its needs wrote."""
        tree: Tree = {}
        for chosen in self.sets_of(target):
            tree = mount(tree, chosen.folder, self._sealed(chosen))
        for label in sorted(self.seen_by(target)):
            for path, output in self._known(label).outputs:
                put(tree, path, self._node(output))
        return tree

    def sets_of(self, target: CommandTarget) -> list[FileSet]:
        """Its own file sets, and those in the projects that its own depends on."""
        sets = list(target.inputs)
        if target.needed_inputs:
            needed = self._plan.closure.of(target.project)
            sets += [FileSet(project, target.needed_inputs) for project in needed]
        return sets

    def _salt(self, target: CommandTarget) -> list[str]:
        """What no input file tells: locked packages, and needs that write nothing."""
        silent = [one for one in sorted(target.needs) if not self._plan.targets[one].outputs]
        return [target.locked, *(f"{label} {self._known(label).key}" for label in silent)]

    def seen_by(self, target: CommandTarget) -> frozenset[str]:
        """Labels of the targets whose outputs it sees: of its needs, and what those see."""
        known = self._visible.get(target.label)
        if known is None:
            found: set[str] = set()
            for label in target.needs:
                need = self._plan.targets[label]
                if need.outputs:
                    found.add(label)
                    found |= self.seen_by(need)
            known = self._visible[target.label] = frozenset(found)
        return known

    def _node(self, output: File | Folder | Link) -> Node:
        if isinstance(output, Folder):
            return Sealed(output.root, lambda: read_tree(self._read_tree_blob(output.tree)))
        return output

    def _sealed(self, chosen: FileSet) -> Sealed:
        if chosen not in self._sets:
            name = self._state.file_sets.get(set_key(chosen))
            if name is None:
                name = seal(self._tree(chosen))
                self._state.file_sets[set_key(chosen)] = name
                self._state.changed = True
            self._sets[chosen] = Sealed(name, lambda: self._tree(chosen))
        return self._sets[chosen]

    def _tree(self, chosen: FileSet) -> Tree:
        if chosen not in self._trees:
            files = self.files(chosen)
            names = self._names(files)
            tree: Tree = {}
            for path, digest in files.items():
                node: Node
                if is_link(digest) and digest != SUBMODULE:
                    node = Link(os.readlink(self._workspace.root / path))  # noqa: PTH115
                else:
                    node = File(names[digest], digest.endswith("x"))
                put(tree, relative_to(path, chosen.folder), node)
            self._trees[chosen] = tree
        return self._trees[chosen]

    def files(self, chosen: FileSet) -> dict[RepoPath, Digest]:
        """The files of a set with their digests; outputs are no sources."""
        patterns = Patterns(chosen.globs)
        return {
            path: digest
            for path, digest in self._workspace.index.files_below(chosen.folder).items()
            if patterns.matches(relative_to(path, chosen.folder))
            and not self._plan.cover.holds(path)
        }

    def _names(self, files: Mapping[RepoPath, Digest]) -> dict[Digest, BlobName]:
        """What the Remote Execution API calls the content of files; read only when never seen."""
        wanted = {digest: path for path, digest in files.items() if not is_link(digest)}
        bare = {digest: digest.removesuffix("x") for digest in wanted}
        known = self._workspace.index.blobs(set(bare.values()))
        for digest, path in wanted.items():
            if bare[digest] not in known:
                name, sure = self._read(path, bare[digest])
                known[bare[digest]] = name
                if sure:
                    self._fresh[bare[digest]] = name
        return {digest: known[bare[digest]] for digest in wanted}

    def _read(self, path: RepoPath, digest: str) -> tuple[BlobName, bool]:
        """The name of a file's content, and whether it is the content that was digested."""
        if digest == SUBMODULE:
            return blob_name(digest.encode()), False
        try:
            with open(f"{self._workspace.root}/{path}", "rb") as stream:  # noqa: PTH123
                content = stream.read()
        except OSError as error:
            raise UserError(
                f"the input {display(path)} cannot be read: {error.strerror}",
                "make it readable, or leave it out of `inputs` with `!`",
            ) from error
        state = hashlib.new(self._workspace.object_format, usedforsecurity=False)
        state.update(b"blob %d\0" % len(content))
        state.update(content)
        return blob_name(content), state.hexdigest() == digest


class Tools:
    """The programs that commands start, by content: other versions make other results."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._found: dict[tuple[str, tuple[RepoPath, ...]], str | None] = {}
        raw = workspace.index.get(TOOLS_KEY)
        self._stored: dict[str, list[str]] = json.loads(raw) if raw else {}
        self._used: dict[str, list[str]] = {}

    def path(self, target: CommandTarget) -> str | None:
        """Where the program of a target is found; None when it is not."""
        program = target.arguments[0]
        root = self._workspace.root
        if "/" in program:
            path = os.path.join(root / target.folder, program)  # noqa: PTH118  (stays absolute)
            return path if os.access(path, os.X_OK) else None
        asked = (program, target.search)
        if asked not in self._found:
            self._found[asked] = shutil.which(program, path=search_path(self._workspace, target))
        return self._found[asked]

    def digest(self, target: CommandTarget) -> str:
        """SHA-256 of the program, links followed; "" for one that is not found."""
        found = self.path(target)
        if found is None:
            return ""
        if found not in self._used:
            real = os.path.realpath(found)
            stamp = stamp_of(real)
            shown = stamp.pack().hex() if stamp else ""
            known = self._stored.get(found)
            if known is None or known[:2] != [real, shown]:
                known = [real, shown, _content_digest(real)]
            self._used[found] = known
        return self._used[found][2]

    def token(self) -> str:
        """Changes when a program that was used before is another one, or is gone."""
        return tools_token(self._stored)

    def store(self) -> None:
        """Remembers the programs that were used; call inside a transaction."""
        merged = {**self._stored, **self._used}
        if merged != self._stored:
            self._workspace.index.put(TOOLS_KEY, json.dumps(merged).encode("ascii"))
            self._stored = merged


def search_path(workspace: Workspace, target: CommandTarget) -> str:
    """PATH as a target's command sees it."""
    folders = [str(workspace.root / join(ROOT, folder)) for folder in target.search]
    return os.pathsep.join((*folders, workspace.environ.get("PATH", os.defpath)))


def _content_digest(path: str) -> str:
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


@cache
def _platform() -> tuple[tuple[str, str], ...]:
    """What machine this is, in the Remote Execution API's words."""
    system = os.uname()
    return (("ISA", system.machine), ("OSFamily", system.sysname))
