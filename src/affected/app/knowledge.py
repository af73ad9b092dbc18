"""Everything known of the workspace once the index is in step with the files.

Unaware of what it is asked for: `run`, `list`, `explain` and `graph` all start from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from affected.app import survey as surveys
from affected.app.candidates import candidates
from affected.app.catalogue import Catalogue, refresh, targets_of
from affected.app.commands import Commands
from affected.app.compose import Workspace
from affected.app.imports import ImportTable
from affected.app.platforms import Platforms
from affected.app.seal import break_seal
from affected.app.session import SETTLED_KEY, Present, manifests_changed
from affected.app.survey import Survey
from affected.lang.python.resolve import Resolver
from affected.model.digest import ABSENT, Digest, is_link
from affected.model.path import RepoPath, name
from affected.model.platform import Distribution
from affected.model.target import Target
from affected.state.rows import TargetRow

if TYPE_CHECKING:  # what only a verification needs is loaded by it
    from affected.app.manifests import Manifests
    from affected.app.outlines import Outlines
    from affected.app.present import PresentInputs
    from affected.app.verify import Verdicts, Verifier

ENVIRONMENT_KEY = "environment-token"
MANY = 50  # targets to check
RULES = (".gitattributes", ".gitignore", ".gitmodules")  # git may say something else by them
UNCHECKED_KEY = "unchecked"
RESHAPED_KEY = "reshaped"  # of the unchecked: those whose imports, or what git says, may be others


class Knowledge:
    """Survey, catalogue, platforms and verdicts of one moment.

    Making one brings the index in step with the files, in one transaction.
    """

    def __init__(self, present: Present) -> None:
        self.workspace: Workspace = present.workspace
        self.found: Survey = present.found
        self.platforms: Platforms = present.platforms
        self._present = present
        self._presents: dict[str, PresentInputs] = {}
        index = self.workspace.index
        with index.transaction():
            if index.changed_elsewhere():  # another run told the index of later edits
                self.found = surveys.survey(self.workspace, surveys.begin(self.workspace))
            surveys.store(self.workspace, self.found)
            self.catalogue: Catalogue = refresh(self.workspace, self.found)
            if self.found.first or manifests_changed(self.found.changes) or self._new_projects():
                self.platforms.read_configs(RepoPath(r.project) for r in index.targets())
            index.delete(SETTLED_KEY)
            began = present.began
            self.commands = Commands(self.workspace, self.found, self.catalogue, began)
            self._unchecked = self._still_unchecked()
        break_seal(self.workspace.index_path.parent)

    @cached_property
    def manifests(self) -> Manifests:
        """Weak fingerprints of targets."""
        from affected.app.manifests import Manifests  # noqa: PLC0415

        shape, arguments = self.catalogue.shape, self._present.pytest_args
        return Manifests(self.workspace, shape, self.platforms, arguments)

    @cached_property
    def token(self) -> str:
        """See `Present.token`."""
        return self._present.token()

    def fresh_token(self) -> str:
        """See `Present.token`, taken again: commands may use other programs since."""
        return self._present.token()

    @cached_property
    def files(self) -> Mapping[RepoPath, Digest]:
        """Every file of the workspace with its digest."""
        return self.workspace.index.files()

    @cached_property
    def links(self) -> frozenset[RepoPath]:
        """The symbolic links of the workspace."""
        return frozenset(path for path, digest in self.files.items() if is_link(digest))

    @cached_property
    def imports(self) -> ImportTable:
        """Resolves the imports of any file."""
        return ImportTable.over_all(self.workspace, self.catalogue.roots, self.files)

    @cached_property
    def outlines(self) -> Outlines:
        """Outlines of file versions, then and now."""
        from affected.app.outlines import Outlines  # noqa: PLC0415

        return Outlines(self.workspace)

    @cached_property
    def verifier(self) -> Verifier:
        """Checks observations against the present."""
        from affected.app.verify import Verifier  # noqa: PLC0415

        return Verifier(self.workspace, self.catalogue, self.manifests, self.present, self.outlines)

    def targets(self) -> list[Target]:
        """Every target, in label order."""
        return targets_of(self.workspace.index.targets())

    def present(self, project: RepoPath) -> PresentInputs:
        """Today's digests as the project's interpreter sees them; one for each interpreter."""
        from affected.app.present import PresentInputs  # noqa: PLC0415

        executable = str(self.platforms.executable(project))
        if executable not in self._presents:

            def distributions() -> Mapping[str, Distribution]:
                return self.platforms.interpreter(project).distributions

            self._presents[executable] = PresentInputs(
                self.workspace, self._resolver, distributions, self.outlines
            )
        return self._presents[executable]

    def verify(self, *, anew: bool = False) -> Verdicts:
        """Checks whatever may have changed (`anew`: every target), and stores what came of it."""
        index = self.workspace.index
        self.workspace.store.begin()  # the token names the generation that this run's records have
        before = index.get(ENVIRONMENT_KEY)
        everything = anew or before is None or before.decode() != self.token
        rows = index.targets() if everything else self._candidates()
        if len(rows) > MANY:
            _ = self.imports  # every path in memory: cheaper than asking the index for each
        verdicts = self.verifier.check(rows)
        with index.transaction():
            self._settle(rows, verdicts, everything=everything)
        return verdicts

    def check(self, rows: list[TargetRow]) -> Verdicts:
        """The verdicts on just these, stored nowhere."""
        return self.verifier.check(rows)

    def _still_unchecked(self) -> set[str]:
        """Labels that a change may have reached, this one or one told to an earlier command.

        The file table forgets a change as soon as it is stored, so the labels must not be lost
        when the command at hand checks none of them, or is killed before it did.
        """
        index = self.workspace.index
        found = candidates(self.workspace, self.found, self.catalogue, everything=False)
        before = index.get(UNCHECKED_KEY)
        settled = [row for row in found if row.settled]
        labels = {row.label for row in settled}
        same_ground = not self.catalogue.reshaped and self._contents_only()
        if labels and same_ground:
            from affected.app.spared import spared  # noqa: PLC0415

            labels -= spared(index, self.outlines, settled, self.found.changes)
        if before:
            labels.update(before.decode("utf-8", "surrogateescape").split("\0"))
        if labels:
            joined = "\0".join(sorted(labels))
            index.put(UNCHECKED_KEY, joined.encode("utf-8", "surrogateescape"))
            if not same_ground:
                index.put(RESHAPED_KEY, b"1")
        return labels

    def _contents_only(self) -> bool:
        """True when files have other contents and nothing else about them is new."""
        return not self.found.stirred and not any(
            name(path) in RULES
            or ABSENT in {change.old, change.new}
            or is_link(change.old)
            or is_link(change.new)
            for path, change in self.found.changes.items()
        )

    def _candidates(self) -> list[TargetRow]:
        index = self.workspace.index
        rows = {row.label: row for row in index.targets(unsettled_only=True)}
        rows.update((row.label, row) for row in index.targets(labels=sorted(self._unchecked)))
        return list(rows.values())

    def _settle(self, before: Iterable[TargetRow], verdicts: Verdicts, *, everything: bool) -> None:
        index = self.workspace.index
        if verdicts.rows:
            index.put_targets(verdicts.rows.values())
        ran = {row.label: row.ran for row in before}
        reshaped = index.get(RESHAPED_KEY) is not None
        fresh = {
            label: proof
            for label, proof in verdicts.proofs.items()
            if (reshaped and label in self._unchecked)
            or proof.observation.provenance.written != ran[label]
            or not proof.alone
        }
        if fresh:
            from affected.app.watching import remember  # noqa: PLC0415

            targets = targets_of(verdicts.rows[label] for label in fresh)
            inputs = {t.path: self.verifier.inputs(t, fresh[t.label]) for t in targets}
            remember(self.workspace, self.catalogue, targets, inputs)
        self._note(verdicts)
        index.delete(UNCHECKED_KEY)
        index.delete(RESHAPED_KEY)
        if everything:
            index.put(ENVIRONMENT_KEY, self.token.encode())

    def _note(self, verdicts: Verdicts) -> None:
        """Of targets that a change reached once: what spares them a look at their record."""
        index = self.workspace.index
        again = {
            label: proof
            for label, proof in verdicts.proofs.items()
            if proof.alone and label in self._unchecked
        }
        noted = index.entered.noted(again)
        fresh = [
            label
            for label, proof in again.items()
            if label not in noted or noted[label].ran != proof.observation.provenance.written
        ]
        if fresh:
            from affected.app.spared import Used, note  # noqa: PLC0415

            targets = {t.label: t for t in targets_of(verdicts.rows[label] for label in fresh)}
            note(
                index,
                (
                    Used.by(label, again[label].observation, self.verifier.inputs(t, again[label]))
                    for label, t in targets.items()
                ),
            )

    def _resolver(self) -> Resolver:
        if "imports" in self.__dict__ or self.found.first:
            return self.imports.resolver
        return ImportTable.over_index(self.workspace, self.catalogue.roots).resolver

    def _new_projects(self) -> bool:
        known = set(self.platforms.projects)
        return any(
            r.project not in known for r in self.workspace.index.targets(unsettled_only=True)
        )
