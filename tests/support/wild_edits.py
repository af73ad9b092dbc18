"""Random edits of a random monorepo, of every kind that may alter what a test sees.

Unaware of the command. An edit returns what it did in words, or None when there is nothing for it
to act on.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable

from support.wild_git import behind_git, commit, line_ends, older_commit, stash
from support.wild_monorepo import MODULES
from support.wild_place import Place

Edit = Callable[[Place], str | None]


def undo(place: Place) -> str | None:
    """All files as they were before the last edit."""
    if not place.before:
        return None
    for path in place.paths():
        if path not in place.before:
            (place.root / path).unlink()
    for path, (content, mode) in place.before.items():
        whole = place.root / path
        if whole.is_dir():
            shutil.rmtree(whole)
        if whole.is_symlink() or not whole.exists() or whole.read_bytes() != content:
            if whole.is_symlink():
                whole.unlink()
            place.tree.write(path, content)
        whole.chmod(mode)
    return "undo"


def _swap_number(place: Place, path: str | None, pattern: str, words: str) -> str | None:
    if path is None:
        return None
    text = place.read(path)
    found = list(re.finditer(pattern, text))
    if not found:
        return None
    at = place.rng.choice(found)
    place.write(path, text[: at.start(1)] + str(place.number()) + text[at.end(1) :])
    return f"{words} in {path}"


def body(place: Place) -> str | None:
    """Another number in a function's body."""
    path = place.pick(".py", r"(alpha|beta|gamma|delta)\.py$")
    return _swap_number(place, path, r"(?:return |\* )(\d+)\n", "body")


def constant(place: Place) -> str | None:
    """Another value of a module's constant."""
    return _swap_number(place, place.pick(".py"), r"(?m)^[A-Z]\w+ = (\d+)$", "constant")


def test_number(place: Place) -> str | None:
    """Another number in a test or in a conftest."""
    path = place.pick(".py", r"(test_\w+|conftest)\.py$")
    return _swap_number(place, path, r"(?: \+ |, )(\d+)\b", "test")


def comment(place: Place) -> str | None:
    """Nothing but a comment, blank lines or a docstring."""
    path = place.pick(".py")
    if path is None:
        return None
    text = place.read(path)
    place.write(path, text + place.rng.choice(("\n# note\n", "\n\n", f"\n# {place.number()}\n")))
    return f"comment in {path}"


def text_file(place: Place) -> str | None:
    """A data file edited, mostly; sometimes deleted, of equal size, or by link."""
    path = place.pick(".txt")
    if path is None:
        return None
    whole, choice = place.root / path, place.rng.random()
    if choice < 0.6:
        place.write(path, f"changed {place.number()}\n")
        return f"data {path}"
    if choice < 0.75:
        whole.unlink()
        return f"deleted data {path}"
    if choice < 0.85:
        stamp, old = whole.lstat(), place.read(path)
        place.write(path, old.swapcase())
        os.utime(whole, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        return f"data of equal size and time {path}"
    if choice < 0.95:
        whole.chmod(0o755 if not os.access(whole, os.X_OK) else 0o644)
        return f"mode of {path}"
    whole.unlink()
    whole.symlink_to(place.rng.choice(("more.txt", "words.txt", "parts/a.txt")))
    return f"link in place of {path}"


_NEW = (
    "data/flag", "data/extra/deep.txt", "data/parts/c.txt", "data/new.txt", "data/tool",
    "data/settings.local", "data/other.local", "data/sub/more/x.txt", "plugins/three.py",
    "maybe.py", "maybe/__init__.py", "none.cfg", "no.cfg", "data/parts/.hidden.txt",
)  # fmt: skip


def new_beside_code(place: Place) -> str | None:
    """A file that a package looks for, lists or imports when it is there; gone if it was."""
    path = f"{place.world.code(place.package())}/{place.rng.choice(_NEW)}"
    whole = place.root / path
    if whole.exists() and place.rng.random() < 0.5:
        whole.unlink()
        return f"deleted {path}"
    text = f"VALUE = {place.number()}\n" if path.endswith(".py") else f"[x]\na={place.number()}\n"
    place.write(path, text)
    if path.endswith("tool"):
        whole.chmod(0o755)
    return f"wrote {path}"


def new_beside_tests(place: Place) -> str | None:
    """A file that tests look for or list, or a test file come or gone."""
    folder = place.world.tests(place.package())
    name = place.rng.choice(
        (
            "flag",
            "off",
            "skipped.txt",
            "new.txt",
            "test_more.py",
            "cases.txt",
            "x.local",
            "extra.json",
        )
    )
    if name == "test_more.py":
        name = f"test_more_{folder.split('/')[-2]}.py"
    path = f"{folder}/{name}"
    whole = place.root / path
    if whole.exists() and place.rng.random() < 0.5:
        whole.unlink()
        return f"deleted {path}"
    text = f"case{place.number()} y\n"
    if path.endswith(".py"):
        text = f"import pytest\ndef test_more():\n    pytest.skip('value {place.number()}')\n"
    elif path.endswith(".json"):
        text = f"{place.number()}\n"
    elif path.endswith("skipped.txt"):
        text = place.rng.choice(("test_call_0\n", "test_resource test_derived\n"))
    place.write(path, text)
    return f"wrote {path}"


def shadow(place: Place) -> str | None:
    """A new module that an import now finds first.

    Beside the tests of a package only what these tests alone import: pytest puts the folder on the
    path of all tests that follow in the same process, which no test run alone would see.
    """
    world, rng = place.world, place.rng
    if rng.random() < 0.2:
        package = place.package()
        path = f"{world.tests(package)}/{rng.choice(('aid', 'far'))}_{package}"
        return _come_or_gone(place, path + rng.choice((".py", "/__init__.py")))
    folder = rng.choice([*world.source_roots(), ""])
    names = ["fastpath.py", "colorsys.py", "sortedcontainers.py", "sortedcontainers/__init__.py"]
    names += ["shared/three.py", "shared/two.py", "shared/one.py", "fastpath/__init__.py"]
    names += [f"{kind}_{rng.choice(world.packages)}.py" for kind in ("aid", "far")]
    if rng.random() < 0.2:
        names = ["shared/__init__.py", f"{rng.choice(world.packages)}.py"]
    return _come_or_gone(place, f"{folder}/{rng.choice(names)}".lstrip("/"))


def _come_or_gone(place: Place, path: str) -> str:
    if (place.root / path).exists():
        (place.root / path).unlink()
        return f"deleted {path}"
    place.write(path, f"VALUE = {place.number()}\n")
    return f"shadow {path}"


def package_over_module(place: Place) -> str | None:
    """A package beside the module of its name, or in its place."""
    path = place.pick(".py", r"/(alpha|beta|gamma|delta)\.py$")
    if path is None:
        return None
    inside = path.removesuffix(".py") + "/__init__.py"
    text = place.read(path).replace(
        "HERE = pathlib.Path(__file__).parent\n", "HERE = pathlib.Path(__file__).parent.parent\n"
    )
    place.write(inside, text + f"\nEXTRA = {place.number()}\n")
    if place.rng.random() < 0.5:
        (place.root / path).unlink()
        return f"{path} becomes a package"
    return f"package over {path}"


def delete_module(place: Place) -> str | None:
    """A module is gone."""
    path = place.pick(".py", r"/(alpha|beta|gamma|delta|one|two|three|maybe)\.py$")
    if path is None:
        return None
    (place.root / path).unlink()
    return f"deleted {path}"


def init_file(place: Place) -> str | None:
    """A package marker deleted, or made where there was none."""
    rng = place.rng
    folders = [place.world.code(p) for p in place.world.packages]
    folders += [place.world.tests(p) for p in place.world.packages]
    folders += [f"{f}/plugins" for f in folders] + [
        f"{r}/shared" for r in place.world.source_roots()
    ]
    path = f"{rng.choice(folders)}/__init__.py".lstrip("/")
    whole = place.root / path
    if whole.exists():
        whole.unlink()
        return f"deleted {path}"
    if not whole.parent.is_dir():
        return None
    place.write(path, f"SIZE = {place.number()}\n")
    return f"wrote {path}"


def rename_module(place: Place) -> str | None:
    """A module gets another name, its importers too."""
    package = place.package()
    old = place.pick(".py", rf"/{package}/(alpha|beta|gamma|delta)\.py$")
    free = [m for m in MODULES if not place.read(f"{place.world.code(package)}/{m}.py")]
    if old is None or not free:
        return None
    name, new = old.rpartition("/")[2].removesuffix(".py"), place.rng.choice(free)
    place.tree.git("add", "-A")
    place.tree.git("mv", old, f"{place.world.code(package)}/{new}.py")
    for path in place.paths(".py"):
        text = place.read(path)
        changed = re.sub(rf"\b{package}\.{name}\b", f"{package}.{new}", text)
        changed = re.sub(
            rf"from {package} import {name}\b", f"from {package} import {new}", changed
        )
        if changed != text:
            place.write(path, changed)
    return f"renamed {old} to {new}"


def rename_file(place: Place) -> str | None:
    """A test file or a data file gets another name."""
    path = place.pick("", r"(test_\w+\.py|\.txt)$")
    if path is None or not (place.root / path).exists():
        return None
    stem, dot, ending = path.rpartition(".")
    new = f"{stem}_{place.rng.randrange(9)}{dot}{ending}"
    (place.root / path).rename(place.root / new)
    return f"renamed {path} to {new}"


_FIXTURE = """\
import pytest

@pytest.fixture
def resource():
    return {number}
"""


def conftest(place: Place) -> str | None:
    """A conftest come or gone, between or at the tests; or what the outermost one reads."""
    world = place.world
    if place.rng.random() < 0.15:
        path = f"{place.rng.choice(world.batches())}/ignored.txt".lstrip("/")
        place.write(path, place.rng.choice(("*_0.py\n", "*_1.py\n", "\n", "*/tests/*\n")))
        return f"wrote {path}"
    folder = place.rng.choice([*map(world.tests, world.packages), "libs"])
    if world.layout == "flat" and folder == "libs":
        folder = place.package()
    path = f"{folder}/conftest.py"
    if (place.root / path).exists() and place.rng.random() < 0.4:
        (place.root / path).unlink()
        return f"deleted {path}"
    if (place.root / path).exists():
        text = place.read(path)
        place.write(path, text + f"\nNUMBER = {place.number()}\n")
        return f"edited {path}"
    place.write(path, _FIXTURE.format(number=place.number()))
    return f"wrote {path}"


def configuration(place: Place) -> str | None:
    """The settings of pytest itself."""
    path = place.pick("", r"(pytest\.ini|libs/\w+/pyproject\.toml)$")
    if path is None:
        return None
    text, toml = place.read(path), path.endswith(".toml")
    choice = place.rng.choice(("flavour", "comment", "slow", "order", "functions", "files"))
    if choice == "flavour":
        new = re.sub(r'flavour = "?\w+"?', _setting("flavour", f"f{place.number()}", toml), text)
    elif choice == "comment":
        new = text + "# nothing\n"
    elif choice == "slow" and "addopts" not in text:
        new = _with_setting(text, _setting("addopts", "-m 'not slow'", toml), toml)
    elif choice == "order" and not toml and "pythonpath" in text:
        line = next(line for line in text.splitlines() if line.startswith("pythonpath"))
        roots = line.partition("= ")[2].split()
        place.rng.shuffle(roots)
        new = text.replace(line, "pythonpath = " + " ".join(roots))
    elif choice == "functions" and "python_functions" not in text:
        new = _with_setting(text, _setting("python_functions", "test_c*", toml), toml)
    elif choice == "files" and "python_files" not in text:
        new = _with_setting(text, _setting("python_files", "test_*_0.py", toml), toml)
    else:
        new = text
    if new == text:
        return None
    place.write(path, new)
    return f"{choice} of {path}"


def _setting(name: str, value: str, toml: bool) -> str:
    return f'{name} = "{value}"' if toml else f"{name} = {value}"


def _with_setting(text: str, line: str, toml: bool) -> str:
    header = "[tool.pytest.ini_options]\n" if toml else "[pytest]\n"
    return text.replace(header, header + line + "\n")


def variable(place: Place) -> str | None:
    """Another value of an environment variable that tests are told of."""
    place.variables = {"WILD_MODE": f"mode{place.number()}"} if place.rng.random() < 0.8 else {}
    return f"variables {place.variables}"


def link(place: Place) -> str | None:
    """A symbolic link made, turned elsewhere or removed."""
    path = f"{place.world.code(place.package())}/data/way"
    whole = place.root / path
    if whole.is_symlink():
        whole.unlink()
        if place.rng.random() < 0.3:
            return f"removed link {path}"
    if not whole.parent.is_dir():
        return None
    target = place.rng.choice(("more.txt", "words.txt", "parts/a.txt", "nowhere", "../../away.txt"))
    whole.symlink_to(target)
    return f"link {path} to {target}"


EDITS: tuple[tuple[int, Edit], ...] = (
    (6, body), (5, constant), (4, test_number), (3, comment), (8, text_file),
    (8, new_beside_code), (6, new_beside_tests), (7, shadow), (2, package_over_module),
    (4, delete_module), (4, init_file), (3, rename_module), (3, rename_file), (5, conftest),
    (5, configuration), (2, variable), (3, link), (3, behind_git), (2, line_ends), (3, commit),
    (5, older_commit), (2, stash),
)  # fmt: skip


# Edits of more than the files of a checkout.
COMMITTING = (commit, older_commit, stash, behind_git, variable)


def random_edit(place: Place) -> str:
    """One edit, or two; now and then the last one undone."""
    if place.before and place.rng.random() < 0.2:
        words = undo(place)
        place.before = {}
        return words or ""
    place.keep()
    done: list[str] = []
    weights, edits = zip(*EDITS, strict=True)
    while not done or place.rng.random() < 0.15:
        words = place.rng.choices(edits, weights)[0](place)
        if words:
            done.append(words)
    return "; ".join(done)
