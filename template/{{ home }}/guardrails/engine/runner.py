"""Running the guards side by side on one inventory, and putting what they print together."""

import importlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import sarif
from .children import Child, Children
from .guard import broken, examine, printed
from .guards import HERE, Guard
from .rules import load
from .tree import Tree

Progress = Callable[[Mapping[str, Any]], None]

_LONGEST_REASON = 300
_OURS = "guardrails.guards."


def run_guards(tree: Tree, guards: Sequence[Guard], progress: Progress = lambda _: None) -> Any:
    """One SARIF document: a run for each guard, in their order, finished or not.

    A guard that crashed, ran out of time or printed no SARIF has a run too: without results, and
    with all its rules under `notChecked` and `broken`.
    """
    with tempfile.TemporaryDirectory(prefix="guardrails-") as folder:
        runs = _Runner(tree, Path(folder), progress).run(guards)
    left = [{"path": entry.path, "why": entry.why, "files": entry.files} for entry in tree.left]
    facts = {
        "tree": {"files": len(tree.files), "left": left},
        "stack": dict(tree.stack),
    }
    return sarif.document(*(runs[guard.name] for guard in guards)) | {"properties": facts}


class _Runner:
    def __init__(self, tree: Tree, folder: Path, progress: Progress) -> None:
        self._tree = tree
        self._inventory = folder / "inventory.json"
        self._progress = progress
        self._children = Children(folder, _environment(), _path(tree.root))
        self._running: dict[Child, tuple[Guard, float]] = {}
        self._runs: dict[str, Mapping[str, Any]] = {}

    def run(self, guards: Sequence[Guard]) -> Mapping[str, Mapping[str, Any]]:
        """The run of each guard by its name."""
        load()  # Once, for all that are forked.
        at_once = max(2, os.cpu_count() or 2)
        # What may take longest first: what is left in the end is short, and no processor idle.
        waiting = sorted(guards, key=lambda guard: -guard.seconds)
        try:
            while waiting or self._running:
                while waiting and len(self._running) < at_once:
                    self._start(waiting.pop(0))
                if self._running:
                    self._end(self._children.wait())
        finally:
            self._children.stop()
        return self._runs

    def _start(self, guard: Guard) -> None:
        self._progress({"guard": guard.name, "state": "started"})
        began = time.monotonic()
        try:
            child = self._child(guard)
        except OSError as error:
            why = f"{self._command(guard)[0]} did not start: {error.strerror}"
            self._done(guard, broken(guard.name, why), began)
        else:
            self._running[child] = guard, began

    def _child(self, guard: Guard) -> Child:
        module = _module(guard)
        if module:
            return self._children.fork(lambda: self._look(guard, module), guard.seconds)
        if not self._inventory.exists():
            self._tree.save(self._inventory)
        return self._children.start(self._command(guard), guard.seconds)

    def _look(self, guard: Guard, module: str) -> bytes:
        """In a fork: what the guard's command would print."""
        look = importlib.import_module(module).look
        return printed(examine(guard.name, self._tree, look)).encode()

    def _command(self, guard: Guard) -> list[str]:
        places = {
            "python": sys.executable,
            "root": str(self._tree.root),
            "inventory": str(self._inventory),
        }
        return [_filled(word, places) for word in guard.command]

    def _end(self, child: Child) -> None:
        guard, began = self._running.pop(child)
        self._done(guard, _told(guard, child), began)

    def _done(self, guard: Guard, run: Mapping[str, Any], began: float) -> None:
        self._runs[guard.name] = run
        self._progress({
            "guard": guard.name,
            "state": "failed" if run["properties"].get("broken") else "done",
            "seconds": round(time.monotonic() - began, 2),
            "findings": len(run["results"]),
        })  # fmt: skip


def _module(guard: Guard) -> str | None:
    """The module of a guard that is the command of one of ours, whole and no more."""
    python, *rest = guard.command
    if python != "{python}" or rest[:1] != ["-m"] or rest[2:] != ["--inventory", "{inventory}"]:
        return None
    return rest[1] if rest[1].startswith(_OURS) else None


def _filled(word: str, places: Mapping[str, str]) -> str:
    for name, value in places.items():
        word = word.replace(f"{{{name}}}", value)
    return word


def _told(guard: Guard, child: Child) -> Mapping[str, Any]:
    if child.late:
        return broken(guard.name, f"it was stopped after {guard.seconds:.0f} s")
    if child.status:
        said = child.errors.decode("utf-8", "replace").strip().splitlines()
        last = (said or ["it said nothing"])[-1]
        return broken(guard.name, f"it stopped with {child.status}: {last[:_LONGEST_REASON]}")
    return _only_run(guard.name, child.output.decode("utf-8", "replace"))


def _only_run(guard: str, output: str) -> Mapping[str, Any]:
    try:
        run = dict(json.loads(output)["runs"][0])
        sarif.findings(run)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        return broken(guard, f"it printed no SARIF: {type(error).__name__} {error}")
    run.setdefault("properties", {})
    return run


def _environment() -> dict[str, str]:
    """Ours, and nothing that would let the tree's own files be imported (CWE-427)."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return kept | {
        "PYTHONPATH": str(HERE / "engine" / "behind"),
        "PYTHONSAFEPATH": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
    }


def _path(root: Path) -> list[str]:
    """The same for a fork: Python's own folders first, and last the one that holds us."""
    home = str(HERE.parent)
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    taken = {"", ".", home, str(root), str(Path.cwd()), *given}
    return [entry for entry in sys.path if entry not in taken] + [home]
