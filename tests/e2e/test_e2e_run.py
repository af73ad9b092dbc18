"""The main story: what runs, what is reused, and what the reports say, with real git and pytest."""

from __future__ import annotations

import re
import shutil
import sys
import venv
import zipfile
from pathlib import Path

from support.workspaces import Answer, Checkout, junit_cases, monorepo

MONEY = "libs/core/tests/test_money.py"
TEXT = "libs/core/tests/test_text.py"
BASKET = "libs/shop/tests/test_basket.py"
PRICES = "libs/shop/tests/test_prices.py"
TOOLS = "tools/test_tools.py"
ALL = {MONEY, TEXT, BASKET, PRICES, TOOLS}
CODE = "libs/core/src/core/money.py"


def edit(checkout: Checkout, path: str, old: str, new: str) -> None:
    """Replace `old`, which must be there, by `new`."""
    text = (checkout.root / path).read_text()
    assert old in text
    checkout.write(path, text.replace(old, new))


def test_a_cold_run_runs_everything(cold: tuple[Checkout, Answer]) -> None:
    """The first run of a repository never seen runs every test and says that all were selected."""
    _, answer = cold
    assert answer.code == 0
    assert answer.json["selection"] == "all"
    assert answer.ran() == ALL
    assert len(answer.tests()) == 8
    assert {cause["kind"] for t in answer.json["targets"] for cause in t["causes"]} == {"new"}


def test_with_nothing_changed_nothing_runs(ready: Checkout) -> None:
    """A run with nothing changed says so in words and in JSON, and names what was reused."""
    first = ready.affected("run")
    again = ready.affected("run")
    for answer in (first, again):
        assert "nothing to run: 8 tests in 5 files reused" in answer.out
    found = ready.run()
    assert found.json["selection"] == "none"
    assert found.reused() == ALL
    assert set(found.tests().values()) == {("reused", "passed"), ("reused", "skipped")}


def test_a_body_edit_runs_only_who_needs_the_module(ready: Checkout) -> None:
    """Tests that import the edited module run, with the cause and the chain; no others."""
    ready.affected("run")
    edit(ready, CODE, "amount * RATE", "RATE * amount")
    answer = ready.run()
    assert answer.ran() == {MONEY, BASKET}
    causes = {t["label"]: t["causes"][0] for t in answer.json["targets"] if t["causes"]}
    assert causes[BASKET]["path"] == CODE
    assert causes[BASKET]["chain"] == [BASKET, "libs/shop/src/shop/basket.py", CODE]
    assert answer.json["changed"] == [CODE]
    assert ready.run().reused() == ALL


def test_explain_tells_before_and_after(ready: Checkout) -> None:
    """`explain` says why a test will run, and after the run what proves that it need not."""
    edit(ready, CODE, "RATE = 2", "RATE = 3")
    before = ready.affected("explain", BASKET, "--json").json
    assert before["verdict"] == "runs"
    assert before["causes"][0]["path"] == CODE
    edit(ready, CODE, "RATE = 3", "RATE = 2.0")
    ready.affected("run")
    after = ready.affected("explain", f"{BASKET}::test_total", "--json").json
    assert after["verdict"] == "skip"
    assert CODE in {item["key"] for item in after["observation"]["inputs"]}
    words = ready.affected("explain", "test_basket.py", folder="libs/shop/tests").out
    assert "may be skipped" in words


def test_a_document_runs_nothing(ready: Checkout) -> None:
    """A comment in a file that no test uses runs nothing."""
    ready.affected("run")
    edit(ready, "README.md", "monorepo", "monorepo, still")
    assert "nothing to run" in ready.affected("run").out
    assert ready.run().ran() == set()


def test_a_data_file_runs_its_readers(ready: Checkout) -> None:
    """An edited data file runs the tests that were seen to read it."""
    edit(ready, "libs/shop/tests/prices.txt", "1 2 3", "1 2 3 4")
    assert ready.run().ran() == {PRICES}


def test_a_data_file_deleted_and_put_back(ready: Checkout) -> None:
    """A test whose data is gone fails; with the data back the old result is good again."""
    (ready.root / "libs/shop/tests/prices.txt").unlink()
    answer = ready.run(accept=(1,))
    assert answer.tests()[f"{PRICES}::test_prices"] == ("ran", "failed")
    assert {c["kind"] for t in answer.json["targets"] for c in t["causes"]} == {"deleted"}
    ready.write("libs/shop/tests/prices.txt", "1 2 3\n")
    assert ready.run().reused() == ALL


def test_a_failure_is_told_and_runs_again(ready: Checkout) -> None:
    """A failing test gives exit code 1, its name and pytest's own words, and is never reused."""
    edit(ready, "libs/core/src/core/text.py", "upper", "lower")
    first = ready.affected("run", accept=(1,))
    assert f"{TEXT}::test_shout" in first.out
    assert "assert 'a' == 'A'" in first.out
    again = ready.run(accept=(1,))
    assert again.states()[TEXT] == "failed"
    assert again.reused() == ALL - {TEXT}


def test_a_deleted_module_fails_its_importers(ready: Checkout) -> None:
    """Tests of a deleted module run and fail to import; the others are reused."""
    (ready.root / CODE).unlink()
    answer = ready.run(accept=(1,))
    assert {t for t, s in answer.states().items() if s == "failed"} == {MONEY, BASKET}
    assert answer.reused() == ALL - {MONEY, BASKET}
    assert answer.tests()[MONEY] == ("ran", "error")


def test_stash_and_back(ready: Checkout) -> None:
    """An edit put away and taken back finds both states' results."""
    edit(ready, CODE, "RATE = 2", "RATE = 2.0")
    assert ready.run().ran() == {MONEY, BASKET}
    ready.tree.git("stash", "-q")
    assert ready.run().reused() == ALL
    ready.tree.git("stash", "pop", "-q")
    assert ready.run().reused() == ALL


def test_amended_commits_and_branch_switches_reuse(ready: Checkout) -> None:
    """Results are by content: an amended commit, another branch and the way back run nothing."""
    ready.tree.branch("work")
    edit(ready, CODE, "RATE = 2", "RATE = 2.0")
    assert ready.run().ran() == {MONEY, BASKET}
    ready.tree.commit("first words")
    ready.tree.git("commit", "-q", "--amend", "-m", "other words")
    assert ready.run().reused() == ALL
    ready.tree.checkout("main")
    assert ready.run().reused() == ALL
    ready.tree.checkout("work")
    assert ready.run().reused() == ALL


def test_a_merge_reuses_what_both_branches_proved(ready: Checkout) -> None:
    """What one branch proved and what the other proved are both hits on the merge of the two."""
    ready.tree.branch("one")
    edit(ready, "libs/core/src/core/text.py", "words.upper()", "words.upper() + str()")
    assert ready.run().ran() == {TEXT}
    ready.tree.commit()
    ready.tree.git("checkout", "-q", "-b", "two", "main")
    edit(ready, "libs/shop/tests/prices.txt", "1 2 3", "4 5 6")
    assert ready.run().ran() == {PRICES}
    ready.tree.commit("other")
    ready.tree.merge("one")
    assert ready.run().reused() == ALL


def test_a_second_clone_reuses_everything(ready: Checkout, tmp_path: Path) -> None:
    """Another clone with the same cache runs nothing, and notices edits from then on."""
    clone = Checkout(ready.tree.clone(tmp_path / "clone").root, ready.cache)
    assert clone.run().reused() == ALL
    edit(clone, "libs/shop/tests/prices.txt", "1 2 3", "9")
    assert clone.run().ran() == {PRICES}


def test_what_another_command_saw_is_not_forgotten(ready: Checkout) -> None:
    """`list`, `explain`, `doctor` and a dry run learn of an edit; the next run still runs it."""
    ready.affected("run")
    ready.affected("run")
    edit(ready, CODE, "RATE = 2", "RATE = 2.0")
    ready.affected("list")
    ready.affected("doctor")
    ready.affected("explain", TOOLS)
    dry = ready.run("--dry-run")
    assert {label for label, s in dry.states().items() if s == "selected"} == {MONEY, BASKET}
    assert ready.run().ran() == {MONEY, BASKET}


def test_labels_paths_and_folders_narrow_a_run(ready: Checkout) -> None:
    """Only what is named runs; the rest stays to be run."""
    edit(ready, CODE, "RATE = 2", "RATE = 2.0")
    assert ready.run(MONEY).ran() == {MONEY}
    inside = ready.affected("run", "--json", "tests", folder="libs/shop")
    assert inside.ran() == {BASKET}
    assert ready.run().reused() == ALL


def test_all_runs_what_is_proved_too(ready: Checkout) -> None:
    """`--all` runs everything asked for, whatever is known."""
    answer = ready.run("--all", "libs/core")
    assert answer.ran() == {MONEY, TEXT}
    assert answer.json["targets"][0]["causes"][0]["kind"] == "forced"


def test_junit_marks_what_was_reused(ready: Checkout, tmp_path: Path) -> None:
    """The JUnit file holds every test once; reused ones say so, with when and by whom."""
    edit(ready, "libs/shop/tests/prices.txt", "1 2 3", "7")
    ready.affected("run", "--junit", str(tmp_path / "out" / "report.xml"))
    cases = junit_cases(tmp_path / "out" / "report.xml")
    assert len(cases) == 8
    fresh = cases["libs.shop.tests.test_prices", "test_prices"]
    assert fresh.find("properties") is None
    old = cases["libs.core.tests.test_text", "test_later"]
    properties = {p.get("name"): p.get("value") for p in old.iter("property")}
    assert properties["affected:state"] == "reused"
    assert properties["affected:commit"]
    skipped = old.find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "not yet"


def test_json_is_one_versioned_object(ready: Checkout) -> None:
    """Standard output holds one object with the promised keys and nothing else."""
    edit(ready, CODE, "RATE = 2", "RATE = 2.0")
    answer = ready.run()
    document = answer.json
    assert answer.out.count("\n") == 1
    assert document["schema"] == 1
    assert document["head"] == ready.tree.head()
    assert document["exit_code"] == 0
    assert {"selected", "reused", "passed", "failed", "seconds_run", "seconds_saved"} <= set(
        document["tests"]
    )
    for result in document["results"]:
        assert {"id", "target", "state", "outcome", "cause"} <= set(result)
        assert result["id"].startswith(result["target"])
    listed = ready.affected("list", "--base", "HEAD", "--json").json
    assert {"schema", "base", "head", "selection", "changed", "targets"} <= set(listed)
    assert {t["label"] for t in listed["targets"]} == {MONEY, BASKET}


def test_the_summary_of_a_ci_step(ready: Checkout, tmp_path: Path) -> None:
    """The step summary is added to, also when nothing ran; `--summary` writes a file of its own."""
    step = tmp_path / "step.md"
    step.write_text("before\n")
    inside = ready.with_variables(GITHUB_STEP_SUMMARY=str(step), GITHUB_ACTIONS="true", CI="true")
    inside.affected("run", "--summary", str(tmp_path / "own.md"))
    inside.affected("run")
    assert step.read_text().startswith("before\n")
    assert step.read_text().count("affected: passed") == 2
    assert "Tests reused" in (tmp_path / "own.md").read_text()


def test_colour_only_where_it_is_wanted(ready: Checkout) -> None:
    """No colour in a file; with FORCE_COLOR there is; NO_COLOR has the last word."""
    escape = "\x1b["
    assert escape not in ready.affected("run").text
    assert escape in ready.with_variables(FORCE_COLOR="1").affected("run").out
    both = ready.with_variables(FORCE_COLOR="1", NO_COLOR="1")
    assert escape not in both.affected("run").text
    edit(ready, "libs/core/src/core/text.py", "upper", "lower")
    assert escape not in both.affected("run", accept=(1,)).text


def test_a_project_runs_with_its_own_interpreter(tmp_path: Path) -> None:
    """A project's `.venv` runs its tests; another project keeps the one of the command."""
    check = "import sys\n\n\ndef test_prefix():\n    assert ('.venv' in sys.prefix) is {own}\n"
    files = {
        "one/pyproject.toml": '[project]\nname = "one"\n[tool.pytest.ini_options]\n',
        "one/test_one.py": check.format(own=True),
        "two/pyproject.toml": '[project]\nname = "two"\n[tool.pytest.ini_options]\n',
        "two/test_two.py": check.format(own=".venv" in sys.prefix),
        ".gitignore": ".venv/\n",
    }
    checkout = monorepo(tmp_path / "repo", tmp_path / "cache", files)
    _virtual_environment(checkout.root / "one/.venv")
    assert checkout.run().ran() == {"one/test_one.py", "two/test_two.py"}
    assert checkout.run().ran() == set()
    found = checkout.affected("doctor", "--json").json["findings"]
    details = [f["detail"] for f in found if f["code"] == "interpreter"]
    assert sorted("one/.venv" in detail for detail in details) == [False, True]


def test_doctor_tells_what_is_set_up(ready: Checkout) -> None:
    """`doctor` names repository, tests, interpreter, cache and what can be reused."""
    ready.affected("run")
    answer = ready.affected("doctor", "--json")
    assert answer.json["healthy"] is True
    codes = {finding["code"] for finding in answer.json["findings"]}
    assert {"git", "tests", "interpreter", "cache", "reuse"} <= codes
    words = ready.affected("doctor").out
    assert "5 test files in 3 projects" in words
    assert "5 of 5 test files can be reused now" in words


def test_cache_status_and_clear(ready: Checkout) -> None:
    """`cache status` counts records; after `clear` everything runs again."""
    assert ready.affected("cache", "status", "--json").json["records"] >= 5
    assert re.search(r"removed \d+ files", ready.affected("cache", "clear").out)
    assert ready.run().ran() == ALL


def test_graph_shows_who_needs_whom(ready: Checkout) -> None:
    """`graph --focus` holds a module's importers and what it needs, and no more."""
    view = ready.affected("graph", "--focus", CODE, "--format", "json").json
    paths = {node["path"] for node in view["nodes"]}
    assert {CODE, MONEY, BASKET} <= paths
    assert not {TEXT, TOOLS} & paths


def test_an_updated_distribution_runs_its_importers(tmp_path: Path) -> None:
    """Another version of an installed package runs the tests that import it, and no others."""
    files = {
        "test_with.py": "import widget\n\n\ndef test_with():\n    assert widget.SIZE\n",
        "test_without.py": "def test_without():\n    pass\n",
        ".gitignore": ".venv/\n__pycache__/\n",
    }
    checkout = monorepo(tmp_path / "repo", tmp_path / "cache", files)
    site = _virtual_environment(checkout.root / ".venv")
    _install(site, "1.0", 1)
    assert checkout.run().ran() == {"test_with.py", "test_without.py"}
    assert "nothing to run" in checkout.affected("run").out
    _install(site, "2.0", 2)
    answer = checkout.run()
    assert answer.ran() == {"test_with.py"}
    assert answer.json["targets"][0]["causes"][0]["kind"] == "distribution"
    _install(site, "1.0", 1)
    assert checkout.run().ran() == set()


def _virtual_environment(folder: Path) -> Path:
    """A virtual environment that finds pytest where we do; its folder of packages."""
    venv.EnvBuilder(symlinks=True).create(folder)
    (site,) = folder.glob("lib/python*/site-packages")
    here = [path for path in sys.path if path.endswith("site-packages")]
    (site / "outer.pth").write_text("\n".join(here) + "\n")
    return site


def _install(site: Path, version: str, size: int) -> None:
    """The package `widget`, in place of any other version of it."""
    for old in site.glob("widget-*.dist-info"):
        shutil.rmtree(old)
    (site / "widget.py").write_text(f"SIZE = {size}\n")
    folder = site / f"widget-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: widget\nVersion: {version}\n")
    (folder / "RECORD").write_text(f"widget.py,sha256={size:043},9\n{folder.name}/RECORD,,\n")


def test_paths_that_git_does_not_report(tmp_path: Path) -> None:
    """What git ignores, what our settings ignore and empty folders are watched by ourselves."""
    test = (
        "import pathlib\nHERE = pathlib.Path(__file__).parent\n\n\n"
        "def test_it():\n    assert {what}\n"
    )
    files = {
        ".gitignore": "*.local\n__pycache__/\n.pytest_cache/\n",
        "affected.toml": 'ignore = ["vendor/"]\n',
        "vendor/x.txt": "x",
        "test_secret.py": test.format(what="(HERE / 'key.local').read_text() == 'a'"),
        "test_vendor.py": test.format(what="(HERE / 'vendor/x.txt').read_text() == 'x'"),
        "test_folder.py": test.format(what="(HERE / 'empty').is_dir()"),
        "test_absent.py": test.format(what="not (HERE / 'no.local').exists()"),
    }
    checkout = monorepo(tmp_path / "repo", tmp_path / "cache", files)
    (checkout.root / "empty").mkdir()
    checkout.write("key.local", "a")
    checkout.run()
    assert checkout.run().ran() == set()
    assert "nothing to run" in checkout.affected("run").out
    checkout.write("key.local", "b")
    checkout.write("vendor/x.txt", "y")
    (checkout.root / "empty").rmdir()
    checkout.write("no.local", "")
    assert "4 failed" in checkout.affected("run", accept=(1,)).out


def test_a_module_in_an_archive_is_an_input(tmp_path: Path) -> None:
    """What lies in a zip file on the search path counts by the archive's content."""
    files = {
        "conftest.py": "import sys\nsys.path.insert(0, 'packed.zip')\n",
        "test_packed.py": "import packed_lib\n\n\ndef test_it():\n    assert packed_lib.ONE == 1\n",
        ".gitignore": "__pycache__/\n.pytest_cache/\n",
    }
    checkout = monorepo(tmp_path / "repo", tmp_path / "cache", files)
    _pack(checkout.root / "packed.zip", "ONE = 1\n")
    checkout.run()
    assert checkout.run().ran() == set()
    _pack(checkout.root / "packed.zip", "ONE = 2\n")
    assert checkout.run(accept=(1,)).tests()["test_packed.py::test_it"] == ("ran", "failed")


def _pack(path: Path, text: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("packed_lib.py", text)
