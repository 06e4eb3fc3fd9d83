"""Begins to observe: the log at once, requests as soon as a framework is imported."""

import importlib.abc
import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

from . import lines, requests, tracing
from .settings import AS_JSON


def start() -> None:
    if AS_JSON:
        lines.take_over()
    tracing.flush_at_the_end()
    sys.meta_path.insert(0, _Watch())


class _Watch(importlib.abc.MetaPathFinder):
    """Lets a module be imported as ever, and then changes the one method that serves requests."""

    def __init__(self) -> None:
        self._waiting: dict[str, Callable[[ModuleType], None]] = {
            "starlette.applications": requests.observe_starlette,
            "flask.app": requests.observe_flask,
        }

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        change = self._waiting.pop(name, None)
        if change is None:
            return None
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_change(module: ModuleType) -> None:
            execute(module)
            change(module)
            tracing.prepare()

        spec.loader.exec_module = execute_and_change  # type: ignore[method-assign]
        return spec
