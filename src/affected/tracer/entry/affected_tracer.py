"""The name that `pytest -p affected_tracer` imports; loads the sibling files by path.

Unaware of what they do. PYTEST_DONT_REWRITE
"""

import importlib.util
import os
import sys
from typing import Any

_ENTRY = os.path.dirname(os.path.abspath(__file__))
_NAME = "_affected_tracer"


def _load() -> Any:
    """Put the tracer's folder into `sys.modules` as a package of its own name."""
    if _NAME not in sys.modules:
        folder = os.path.dirname(_ENTRY)
        spec = importlib.util.spec_from_file_location(
            _NAME,
            os.path.join(folder, "__init__.py"),
            submodule_search_locations=[folder],
        )
        if spec is None or spec.loader is None:
            return None
        package = importlib.util.module_from_spec(spec)
        sys.modules[_NAME] = package
        spec.loader.exec_module(package)
    return importlib.import_module(_NAME + ".plugin")


def pytest_plugin_registered(plugin: Any, manager: Any) -> None:
    """Register the real plugin as soon as this one is, in the same plugin manager."""
    if getattr(plugin, "__name__", "") == __name__ and not manager.has_plugin(_NAME):
        traced = _load().begin(_ENTRY)
        if traced is not None:
            manager.register(traced, _NAME)
