"""Running the guards side by side on one inventory, and putting what they print together."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from . import sarif
from .finding import NotLooked
from .guards import HERE, Guard
from .rules import load
from .tree import Tree

Progress = Callable[[Mapping[str, Any]], None]

_LONGEST_REASON = 300


def run_guards(tree: Tree, guards: Sequence[Guard], progress: Progress = lambda _: None) -> Any:
    """One SARIF document: a run for each guard, in their order, finished or not.

    A guard that crashed, ran out of time or printed no SARIF has a run too: without results, and
    with all its rules under `notChecked` and `broken`.
    """
    with (
        tempfile.TemporaryDirectory(prefix="guardrails-") as folder,
        _children() as children,
    ):
        inventory = Path(folder) / "inventory.json"
        tree.save(inventory)
        runner = _Runner(tree, inventory, children, progress)
        with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
            try:
                runs = list(pool.map(runner.run, guards))
            except BaseException:
                children.stop()
                pool.shutdown(cancel_futures=True)
                raise
    left = [{"path": entry.path, "why": entry.why, "files": entry.files} for entry in tree.left]
    facts = {
        "tree": {"files": len(tree.files), "left": left},
        "stack": dict(tree.stack),
    }
    return sarif.document(*runs) | {"properties": facts}


class _Runner:
    def __init__(
        self, tree: Tree, inventory: Path, children: "_Children", progress: Progress
    ) -> None:
        self._tree = tree
        self._inventory = inventory
        self._children = children
        self._progress = progress

    def run(self, guard: Guard) -> Mapping[str, Any]:
        began = time.monotonic()
        self._progress({"guard": guard.name, "state": "started"})
        run = self._look(guard)
        self._progress({
            "guard": guard.name,
            "state": "failed" if run["properties"].get("broken") else "done",
            "seconds": round(time.monotonic() - began, 2),
            "findings": len(run["results"]),
        })  # fmt: skip
        return run

    def _look(self, guard: Guard) -> Mapping[str, Any]:
        places = {
            "python": sys.executable,
            "root": str(self._tree.root),
            "inventory": str(self._inventory),
        }
        command = [_filled(word, places) for word in guard.command]
        try:
            status, output, errors = self._children.run(
                command, self._inventory.parent, guard.seconds
            )
        except OSError as error:
            return broken(guard.name, f"{command[0]} did not start: {error.strerror}")
        except subprocess.TimeoutExpired:
            return broken(guard.name, f"it was stopped after {guard.seconds:.0f} s")
        if status:
            last = (errors.strip().splitlines() or ["it said nothing"])[-1]
            return broken(guard.name, f"it stopped with {status}: {last[:_LONGEST_REASON]}")
        return _only_run(guard.name, output)


def broken(guard: str, why: str) -> dict[str, Any]:
    """The run of a guard that could not look."""
    rules = [rule for rule in load().values() if guard in rule.guards]
    missing = NotLooked(guard, why, tuple(rule.id for rule in rules))
    return sarif.run(guard, rules, [], not_looked=[missing], properties={"broken": why})


def _filled(word: str, places: Mapping[str, str]) -> str:
    for name, value in places.items():
        word = word.replace(f"{{{name}}}", value)
    return word


def _only_run(guard: str, output: str) -> Mapping[str, Any]:
    try:
        run = dict(json.loads(output)["runs"][0])
        sarif.findings(run)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        return broken(guard, f"it printed no SARIF: {type(error).__name__} {error}")
    run.setdefault("properties", {})
    return run


class _Children:
    """The processes that are running, so that an interruption leaves none behind."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def run(self, command: Sequence[str], folder: Path, seconds: float) -> tuple[int, str, str]:
        with self._lock:
            if self._stopped:
                return 1, "", "interrupted"
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
            self._running.add(process)
        try:
            output, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            raise
        finally:
            with self._lock:
                self._running.discard(process)
        return process.returncode, output, errors

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            running = list(self._running)
        for process in running:
            _end(process)


@contextlib.contextmanager
def _children() -> Iterator[_Children]:
    children = _Children()
    try:
        yield children
    finally:
        children.stop()


def _end(process: "subprocess.Popen[str]", patience: float = 5) -> None:
    """Ask first: a guard may have a database server to stop."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            return


def _environment() -> dict[str, str]:
    """Ours, and nothing that would let the tree's own files be imported (CWE-427)."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return kept | {
        "PYTHONPATH": str(HERE / "engine" / "behind"),
        "PYTHONSAFEPATH": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
    }
