"""Which kind of edit comes next, and the edit itself: by seed, project and number alone.

Unaware of results. Most of the mix are changes inside functions, as in a project's history; the
wider kinds, which few tools look at, come on top of it.
"""

from __future__ import annotations

from random import Random

from benchmarks.safety import code_edits, file_edits
from benchmarks.safety.file_edits import Edit, FileEdit, in_one_file
from benchmarks.safety.material import Material

# How many of a hundred edits are of each kind.
MIX = {
    "body": 42,
    "constant": 6,
    "class attribute": 6,
    "default": 5,
    "decorator": 4,
    "added function": 5,
    "docstring": 4,
    "import": 4,
    "new module": 3,
    "deleted module": 3,
    "test": 5,
    "parametrisation": 3,
    "conftest": 3,
    "data file": 4,
    "configuration": 3,
}
# And how many come on top of the hundred.
WIDER = {
    "__init__": 4,
    "renamed": 2,
    "shadow": 3,
    "distribution": 3,
    "environment": 2,
    "comment": 4,
}
KINDS = (*MIX, *WIDER)
NOTHING = "no edit"  # what a tool selects all the same; no bound counts it


def _sources(material: Material) -> tuple[str, ...]:
    return material.sources


def _tests(material: Material) -> tuple[str, ...]:
    return material.tests


_MAKERS: dict[str, FileEdit] = {
    "body": in_one_file("body", code_edits.body, _sources),
    "constant": in_one_file("constant", code_edits.constant, _sources),
    "class attribute": in_one_file("class attribute", code_edits.class_attribute, _sources),
    "default": in_one_file("default", code_edits.default, _sources),
    "decorator": in_one_file("decorator", code_edits.decorator, _sources),
    "added function": in_one_file("added function", code_edits.added_function, _sources),
    "docstring": in_one_file("docstring", code_edits.other_docstring, _sources),
    "import": in_one_file("import", code_edits.imports, _sources),
    "new module": file_edits.new_module,
    "deleted module": file_edits.deleted_module,
    "test": in_one_file("test", code_edits.test, _tests),
    "parametrisation": in_one_file("parametrisation", code_edits.parametrisation, _tests),
    "conftest": file_edits.conftest,
    "data file": file_edits.resource,
    "configuration": file_edits.configuration,
    "__init__": file_edits.package_init,
    "renamed": file_edits.renamed_module,
    "shadow": file_edits.shadowing,
    "distribution": file_edits.distribution,
    "environment": file_edits.environment,
    "comment": file_edits.unseen(code_edits.remark),
}


def kind_of(seed: int, project: str, number: int) -> str:
    """The kind of the edit with this number: hands of a shuffled deck."""
    cards = [kind for kind, count in (MIX | WIDER).items() for _ in range(count)]
    hand, place = divmod(number, len(cards))
    Random(f"{seed}/{project}/deck/{hand}").shuffle(cards)
    return cards[place]


def edit_of(material: Material, seed: int, number: int, kind: str = "") -> Edit | None:
    """The edit with this number, of its own kind or a given one; None where none can be made."""
    name = material.subject.name
    chosen = kind or kind_of(seed, name, number)
    return _MAKERS[chosen](material, Random(f"{seed}/{name}/{number}/{chosen}"))
