"""Which environment variables tests see, and which of those count as inputs. Unaware of pytest.

What is neither on the short list below nor declared is taken away: a test cannot depend on it.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Mapping, Sequence

# Passed on because programs break without them; their values are the machine's and not inputs.
PASSED = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TEMP", "TMP", "TERM", "COLUMNS"),
    *("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"),
    *("XDG_RUNTIME_DIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "NIX_*", "SYSTEMROOT", "COMSPEC", "PATHEXT", "WINDIR"),
)
# Passed on, and inputs by value.
COUNTED = (
    *("LANG", "LC_*", "LANGUAGE", "TZ", "PYTHONHASHSEED", "PYTHONUTF8", "PYTHONIOENCODING"),
    *("PYTHONPATH", "PYTEST_ADDOPTS"),
)

WITHHELD = frozenset({"AFFECTED_TOKEN"})  # ours, and secret, whatever is declared


FIRST_WITH_FUNCTIONS = (3, 12)  # the first Python that tells cheaply which functions run


def sees_functions(precision: str, version: str) -> bool:
    """Whether it is to be seen which functions run; `version` is the interpreter's, as "3.12.1"."""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    return precision == "function" and numbers >= FIRST_WITH_FUNCTIONS


def scrub(environ: Mapping[str, str], declared: Sequence[str] = ()) -> dict[str, str]:
    """The variables that tests get. `declared` are names or shell-style patterns."""
    wanted = (*PASSED, *COUNTED, *declared)
    return {
        name: value
        for name, value in environ.items()
        if _matches(name, wanted) and name not in WITHHELD
    }


def environment_inputs(
    environ: Mapping[str, str], declared: Sequence[str] = (), root: str = ""
) -> tuple[tuple[str, str | None], ...]:
    """Sorted (name, value) of the variables whose value is an input; None for one not set.

    Folders of PYTHONPATH below `root` are told relative to it, so that checkouts agree.
    """
    wanted = (*COUNTED, *declared)
    found: dict[str, str | None] = {name: None for name in wanted if not _is_pattern(name)}
    seen = {name: value for name, value in environ.items() if name not in WITHHELD}
    found.update({name: value for name, value in seen.items() if _matches(name, wanted)})
    search = found.get("PYTHONPATH")
    if search and root:
        parts = search.split(os.pathsep)
        found["PYTHONPATH"] = os.pathsep.join(_relative(part, root) for part in parts)
    return tuple(sorted(found.items()))


def _relative(folder: str, root: str) -> str:
    if folder == root:
        return "."
    return "./" + folder[len(root) + 1 :] if folder.startswith(root + "/") else folder


def _is_pattern(name: str) -> bool:
    return any(sign in name for sign in "*?[")


def _matches(name: str, wanted: Iterable[str]) -> bool:
    return any(
        fnmatch.fnmatchcase(name, pattern) if _is_pattern(pattern) else name == pattern
        for pattern in wanted
    )
