"""A guest in the user's interpreter: prints what that interpreter is, as one JSON object.

Unaware of our package: it is started by its text, on Python 3.9 and later, standard library only.
"""

import json
import os
import platform
import site
import sys
import sysconfig
from pathlib import Path


def describe() -> "dict[str, object]":
    """The interpreter's own description; folders absolute, in the order of `sys.path`."""
    folders = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    folders += site.getsitepackages() if hasattr(site, "getsitepackages") else []
    if site.ENABLE_USER_SITE:
        folders.append(site.getusersitepackages())
    folders += [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    ordered = sorted(
        dict.fromkeys(path for path in folders if Path(path).is_dir()),
        key=lambda path: sys.path.index(path) if path in sys.path else len(sys.path),
    )
    libc = "-".join(part for part in platform.libc_ver() if part) if os.name == "posix" else ""
    return {
        "executable": sys.executable,
        "version": sys.version,
        "version_info": list(sys.version_info[:3]),
        "implementation": sys.implementation.cache_tag or sys.implementation.name,
        "platform": " ".join(part for part in (sysconfig.get_platform(), libc) if part),
        "site_packages": ordered,
        "path": [path for path in sys.path if Path(path).is_absolute()],
        "prefix": sys.prefix,
    }


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(describe()) + "\n")
