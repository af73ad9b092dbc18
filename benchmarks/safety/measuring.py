"""The measurement of one project: edit by edit, each against the same baseline.

Unaware of other projects and of how long there is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.measure import affected_command, in_turn
from benchmarks.projects import prepare
from benchmarks.safety.archives import Subject
from benchmarks.safety.deck import NOTHING, edit_of, kind_of
from benchmarks.safety.file_edits import Edit
from benchmarks.safety.ledger import Ledger
from benchmarks.safety.material import Material, material_of
from benchmarks.safety.oracle import Baseline, baseline
from benchmarks.safety.place import Place
from benchmarks.safety.selectors import Affected, Selector, Testmon
from benchmarks.safety.verdict import Judgement, Truth, judge, truth_of

PURPOSE = "safety"


@dataclass(frozen=True, slots=True)
class Measuring:
    """One project made ready, with every tool's recording done."""

    place: Place
    material: Material
    base: Baseline
    selectors: Sequence[Selector]
    ledger: Ledger

    @staticmethod
    def begin(subject: Subject, selectors: Sequence[Selector]) -> Measuring:
        """Unpack, install, run plainly and record, or find all that done."""
        place = Place(prepare(subject, PURPOSE))
        place.trim()
        place.clean()
        base = baseline(place)
        for selector in selectors:
            selector.record(place)
        material = material_of(place.project)
        ledger = Ledger(place.home / "measured.jsonl")
        begun = Measuring(place, material, base, tuple(selectors), ledger)
        begun.measure_nothing()
        return begun

    def measure_nothing(self) -> None:
        """What each tool selects without an edit: what it cannot vouch for."""
        edit = Edit(NOTHING, "nothing")
        key = f"0/{self.place.subject.name}/0/{edit.kind}"
        known = self.base.outcomes.by_test
        spent = sum(self.base.outcomes.seconds.values())
        truth = Truth(
            key, edit.kind, edit.what, edit.digest(), "ok", "", len(known), {}, 0.0, spent
        )
        if self.ledger.truth(key, edit.digest()) is None:
            self.ledger.add_truth(truth)
        for selector in self.selectors:
            if not self._known(key, edit, selector):
                self.ledger.add_judgement(judge(self.place, self.base, truth, edit, selector))
                self.place.clean()

    def measure(self, seed: int, number: int, kind: str, say: Callable[[str], object]) -> None:
        """Make one edit, and keep the truth about it and what each tool says."""
        name = self.place.subject.name
        chosen = kind or kind_of(seed, name, number)
        key = f"{seed}/{name}/{number}/{chosen}"
        edit = edit_of(self.material, seed, number, chosen)
        if edit is None:
            return
        truth = self.ledger.truth(key, edit.digest())
        missing = [s for s in self.selectors if not self._known(key, edit, s)]
        if truth is not None and (truth.state != "ok" or not missing):
            return
        with self.place.edited(edit):
            if truth is None:
                truth = truth_of(self.place, self.base, key, edit, self.material)
                self.ledger.add_truth(truth)
                self.place.clean_but(edit)
            if truth.state != "ok":
                say(f"{key}: {truth.state}")
                return
            for selector in missing:
                judgement = judge(self.place, self.base, truth, edit, selector)
                self.ledger.add_judgement(judgement)
                self.place.clean_but(edit)
                say(_line(truth, judgement))

    def _known(self, key: str, edit: Edit, selector: Selector) -> bool:
        return self.ledger.judgement(key, edit.digest(), selector.name) is not None

    def cost(self, rounds: int) -> None:
        """CPU time of a recording run of everything against plain pytest, in turn."""
        place = self.place
        plain = place.pytest(environ={"PYTHONDONTWRITEBYTECODE": None})
        for selector in self.selectors:
            arguments = place.subject.arguments
            options = ("--", *arguments) if arguments else ()
            words = ("run", "--all", "-j", "1", *options)
            if isinstance(selector, Affected):
                cache = place.home / "cost-cache"
                ours = affected_command("tool", place.tree, cache, *words, accepted=(0, 1))
            elif isinstance(selector, Testmon):
                ours = selector.collecting(place)
            else:
                continue
            paired = in_turn(ours, plain, rounds, lambda _name: place.forget_recordings())
            place.clean()
            runs = paired.as_json()
            self.ledger.add_cost({"tool": selector.name, "cpu": paired.ratio("cpu"), "runs": runs})


def _line(truth: Truth, judgement: Judgement) -> str:
    share = judgement.selected / max(truth.tests, 1)
    text = f"{truth.key}: {judgement.tool}: {share:.1%} of {truth.tests}, "
    text += f"truth {len(truth.changed)}, {truth.what[:90]}"
    if judgement.state != "ok":
        text += f"; {judgement.state}"
    if judgement.missed:
        text += f"; MISSED {len(judgement.missed)}: {next(iter(judgement.missed))}"
    return text
