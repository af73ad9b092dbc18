"""The index: what is put in comes out, in this process and the next."""

import pytest

from affected.state.index import Index
from affected.state.rows import TargetRow, Totals

ODD = "pkg/bad\udcff\n.py"


def row(label, **changes):
    """A settled target with one test of half a second."""
    values = {
        "kind": "test", "project": "pkg", "path": label, "settings": "pkg", "weak": "f" * 64,
        "settled": True, "reason": "", "tests": 1, "seconds": 0.5, "outcome": "passed", "ran": 1e9,
    }  # fmt: skip
    return TargetRow(label=label, **{**values, **changes})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "index.sqlite"


@pytest.fixture
def index(path):
    index = Index.open(path)
    yield index
    assert index.notice == ""
    assert index.persistent
    index.close()


def test_values_are_kept_by_key_and_forgotten_by_prefix(index):
    """A prefix is taken literally: % and _ mean themselves."""
    index.put("graph", b"1")
    index.put("graph", b"\x00" * 100_000)
    index.put("note_a%b", b"2")
    index.put("note_a", b"")
    assert index.get("graph") == b"\x00" * 100_000
    assert index.get("note_a") == b""
    assert index.get("other") is None
    index.delete("note_a%")
    assert (index.get("note_a%b"), index.get("note_a")) == (None, b"")
    index.delete("")
    assert index.get("graph") is None


def test_files_are_replaced_updated_and_looked_up(index):
    """ABSENT takes a file away; a path need not be Unicode."""
    index.replace_files({"old": "1"})
    index.replace_files({"a": "1", "b/c": "2x", ODD: "3l"})
    index.update_files({"a": "absent", "b/c": "4", "d": "5", "never": "absent"})
    assert index.files() == {"b/c": "4", ODD: "3l", "d": "5"}
    assert index.digests(["b/c", "a", ODD, "b"]) == {"b/c": "4", ODD: "3l"}
    assert index.digests([]) == {}


def test_many_digests_are_found_at_once(index):
    """More paths than one statement takes."""
    files = {f"f{i}": f"{i}" for i in range(2500)}
    index.replace_files(files)
    assert index.digests(iter([*files, "other"])) == files


def test_files_and_folders_are_told_apart(index):
    """A folder is what some file lies below; a name that only starts alike is none."""
    index.replace_files({"a/b/c.py": "1", "a.py": "2", "a0": "3", "\udcff/x": "4", "é/x": "5"})
    assert index.has_file("a.py")
    assert not index.has_file("a")
    assert not index.has_file("")
    folders = ["a", "a/b", "", "\udcff", "é"]
    assert all(map(index.has_folder, folders))
    assert not any(map(index.has_folder, ["a.py", "a/b/c.py", "a/b/c", "a0", "b", "a/"]))
    index.replace_files({})
    assert not index.has_folder("")


def test_facts_are_kept_by_content(index):
    """Two files of one content share them; pruning keeps those of present files."""
    index.replace_files({"a": "1", "b": "1", "c": "2"})
    index.add_facts({"1": b"import os", "2": b"", "3": b"import re"})
    assert index.facts(["1", "2", "9", "1"]) == {"1": b"import os", "2": b""}
    assert index.prune_facts() == 1
    assert index.prune_facts() == 0
    assert index.facts(["1", "2", "3"]) == {"1": b"import os", "2": b""}


def test_files_mentioning_finds_present_files_by_bytes(index):
    """Any needle will do, zero bytes included; contents that no file has do not count."""
    index.replace_files({"a": "1", "b": "1", "c": "2", "d": "9"})
    index.add_facts({"1": b"os\x00path", "2": b"re", "3": b"os"})
    assert index.files_mentioning([b"os"]) == ["a", "b"]
    assert index.files_mentioning([b"s\x00p", b"re"]) == ["a", "b", "c"]
    assert index.files_mentioning([b"OS"]) == []
    assert index.files_mentioning([]) == []
    many = [f"needle{i}".encode() for i in range(120)]
    assert index.files_mentioning([*many, b"re"]) == ["c"]


def test_very_many_needles_give_the_same_answer(index):
    """Words that hold a needle, needles of several words, needles without a word."""
    index.replace_files({"a": "1", "b": "2", "c": "3", "d": "4", "e": "9"})
    index.add_facts({"1": b"xneedle7y os", "2": b"a.b c", "3": b"\x01-\x01", "4": "mué".encode()})
    many = [f"noise{i}".encode() for i in range(1000)]
    for needles, expected in [
        ([b"needle7"], ["a"]),
        ([b"needle77", b"b.a", b"a.bc", b"b c."], []),
        ([b"a.b"], ["b"]),
        ([b".b "], ["b"]),
        ([b"-\x01"], ["c"]),
        (["é".encode()[:1]], ["d"]),
        ([b"y os", b"b c", b"-"], ["a", "b", "c"]),
        ([b""], ["a", "b", "c", "d"]),
    ]:
        assert index.files_mentioning([*many, *needles]) == expected
        assert index.files_mentioning(needles) == expected
    index.replace_files({f"f{i}": "1" for i in range(1200)})
    assert len(index.files_mentioning([*many, b"needle7"])) == 1200


def test_an_index_tells_whether_another_process_wrote(path, index):
    """Its own writes do not count; inside a transaction the answer cannot change."""
    index.put("k", b"own")
    assert not index.changed_elsewhere()
    other = Index.open(path)
    assert not other.changed_elsewhere()
    index.put("k", b"again")
    assert not index.changed_elsewhere()
    with other.transaction():
        assert other.changed_elsewhere()
    other.close()
    assert not index.changed_elsewhere()


def test_stamps_come_with_their_digests(index):
    """The latest one counts."""
    index.put_stamps({"a": (b"s1", "1"), ODD: (b"s2", "2")})
    index.put_stamps({"a": (b"s3", "3")})
    assert index.stamps(["a", ODD, "b"]) == {"a": (b"s3", "3"), ODD: (b"s2", "2")}


def test_targets_are_chosen_by_label_and_by_state(index):
    """Sorted by label, whole, whatever is in their names."""
    rows = [row("b", settled=False, reason=ODD), row("a"), row(ODD, outcome="", tests=3)]
    index.put_targets(rows)
    assert index.targets() == sorted(rows, key=lambda row: row.label)
    assert index.targets(["b", "x", "a"]) == [rows[1], rows[0]]
    assert index.targets([]) == []
    assert index.targets(unsettled_only=True) == [rows[0]]
    assert index.targets(["a"], unsettled_only=True) == []
    index.put_targets([row("b")])
    assert index.targets(unsettled_only=True) == []


def test_totals_count_settled_targets_only(index):
    """What a run with nothing to do says it saved."""
    assert index.totals() == Totals(0, 0, 0.0)
    index.put_targets([row("a", tests=2), row("b", tests=3), row("c", settled=False)])
    assert index.totals() == Totals(2, 5, 1.0)


def test_observed_paths_lead_back_to_targets(index):
    """Each time a target is observed its old paths are forgotten; so they are with the target."""
    index.put_observed("a", ["data/x.json", "data", ODD])
    index.put_observed("b", ["data/x.json", "data/x.json"])
    assert index.observed(["data/x.json"]) == {"a", "b"}
    assert index.observed([ODD, "none"]) == {"a"}
    index.put_observed("a", ["other"])
    assert index.observed(["data/x.json", "data", "other"]) == {"a", "b"}
    assert index.observed(["data"]) == set()
    index.put_targets([row("b")])
    index.remove_targets(["b", "unknown"])
    assert index.observed(["data/x.json"]) == set()
    assert index.targets() == []


def test_a_transaction_happens_whole_or_not_at_all(index):
    """An exception, at whatever depth, undoes all of it; afterwards the index works on."""
    index.put("k", b"before")
    with pytest.raises(KeyError), index.transaction():  # noqa: PT012  # steps of one
        index.put("k", b"inside")
        with index.transaction():
            index.replace_files({"a": "1"})
        assert index.get("k") == b"inside"
        raise KeyError
    assert index.get("k") == b"before"
    assert index.files() == {}
    with index.transaction():
        index.put("k", b"after")
    assert index.get("k") == b"after"


def test_a_write_that_fails_by_the_caller_leaves_no_trace(index):
    """A wrong type in the last of many rows undoes the first."""
    with pytest.raises(Exception, match="type"):
        index.put_stamps({"a": (b"s", "1"), "b": (object(), "2")})
    assert index.stamps(["a"]) == {}


def test_everything_is_there_in_the_next_process(path):
    """Closing more than once is harmless, and closing is not needed."""
    index = Index.open(path)
    index.put("k", b"v")
    index.replace_files({"a": "1"})
    index.put_targets([row("t")])
    index.close()
    index.close()
    again = Index.open(path)
    assert (again.get("k"), again.files(), again.targets()) == (b"v", {"a": "1"}, [row("t")])
    again.put("k", b"w")
    third = Index.open(path)
    assert third.get("k") == b"w"
    third.close()
    again.close()
