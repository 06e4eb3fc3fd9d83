"""What a Python app can be asked: does it compile, does its entry import, do its tests pass?"""

import os
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from .commands import VENV, AppChecks, Command

_MANIFESTS = ("requirements.txt", "pyproject.toml", "uv.lock", "poetry.lock", "setup.py")
_NOT_OURS = r"(^|/)(\.venv|venv|env|node_modules|\.git)/"
_PRUNED = {".git", "node_modules", ".venv", "venv", "env", "site-packages", "__pycache__"}
_MODULE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*\Z")


def is_app(folder: Path, entry: str) -> bool:
    """A script beside a package.json makes no Python app of it."""
    if entry or any((folder / name).is_file() for name in _MANIFESTS):
        return True
    return not (folder / "package.json").is_file() and any(folder.glob("*.py"))


def manager_of(folder: Path) -> str:
    project = _project(folder)
    if (folder / "uv.lock").is_file() or "uv" in project.get("tool", {}):
        return "uv"
    if (folder / "poetry.lock").is_file() or "poetry" in project.get("tool", {}):
        return "poetry"
    if (folder / "requirements.txt").is_file() or "project" in project:
        return "pip"
    return "none"


def checks(tree: Path, app: str, manager: str, entry: str) -> AppChecks:
    folder = tree / app
    manager = manager if manager in {"uv", "poetry", "pip", "none"} else manager_of(folder)
    tested = any(_tests(folder))
    compiled = (sys.executable, "-I", "-m", "compileall", "-q", "-x", _NOT_OURS, ".")
    commands = [Command("syntax", compiled, "python -m compileall -q .", app, reads=True)]
    commands += _install(folder, app, manager, tested=tested)
    run = {"uv": ("uv", "run", "--no-sync"), "poetry": ("poetry", "run")}.get(manager, ())
    told = f"{' '.join(run)} " if run else ""
    python = (*run, "python") if run else (f"{VENV}/bin/python",)
    if _MODULE.match(entry):
        module, attribute = entry.split(":")
        line = f"from {module} import {attribute}"
        commands.append(Command("build", (*python, "-c", line), f'{told}python -c "{line}"', app))
    if tested:
        argv = (*python, "-m", "pytest", "-q")
        commands.append(Command("tests", argv, f"{told}python -m pytest", app, seconds=600))
    return AppChecks(app, "python", manager, _version(folder), tuple(commands))


def _install(folder: Path, app: str, manager: str, *, tested: bool) -> Iterator[Command]:
    """Pip's is done by uv, which is here, and does the same in a tenth of the time."""
    pytest = ("pytest",) if tested else ()
    if manager == "uv":
        argv: tuple[str, ...] = ("uv", "sync", "--frozen")
        argv = argv if (folder / "uv.lock").is_file() else argv[:2]
        told = " ".join(argv)
        if tested and not _uv_brings_pytest(folder):
            told = f"{told} && uv pip install pytest"
            argv = ("sh", "-c", told)
    elif manager == "poetry":
        argv, told = ("poetry", "install", "--no-interaction"), "poetry install --no-interaction"
        if tested and not _poetry_brings_pytest(folder):
            told = f"{told} && poetry run python -m pip install pytest"
            argv = ("sh", "-c", told)
    else:
        wanted = _wanted(folder)
        argv = ("uv", "pip", "install", "--python", f"{VENV}/bin/python", *wanted, *pytest)
        told = " ".join(["pip", "install", *wanted, *pytest])
        yield Command(
            "environment", ("uv", "venv", "--quiet", "--clear", VENV), "python -m venv", app
        )
        if not wanted and not pytest:
            return
    yield Command("install", argv, told, app, installs=True, seconds=900)


def _uv_brings_pytest(folder: Path) -> bool:
    """Whether `uv sync` installs it, by itself or for a plugin: an extra's it does not."""
    project = _project(folder)
    with suppress(AttributeError, TypeError):
        uv, groups = project.get("tool", {}).get("uv", {}), project.get("dependency-groups", {})
        default = uv.get("default-groups", ["dev"])
        asked = [*project.get("project", {}).get("dependencies", [])]
        asked += uv.get("dev-dependencies", [])
        for name in groups if default == "all" else default:
            asked += groups.get(name, [])
        return _names_pytest(asked)
    return False


def _poetry_brings_pytest(folder: Path) -> bool:
    """Whether `poetry install` does: an optional group's it does not."""
    project = _project(folder)
    with suppress(AttributeError, TypeError):
        poetry = project.get("tool", {}).get("poetry", {})
        asked = [*poetry.get("dependencies", {}), *poetry.get("dev-dependencies", {})]
        for group in poetry.get("group", {}).values():
            asked += [] if group.get("optional") else group.get("dependencies", {})
        asked += project.get("project", {}).get("dependencies", [])
        return _names_pytest(asked)
    return False


def _names_pytest(asked: Iterable[object]) -> bool:
    return any(re.match(r"pytest(?![\w.])", str(it)) for it in asked)


def _wanted(folder: Path) -> tuple[str, ...]:
    if (folder / "requirements.txt").is_file():
        return ("-r", "requirements.txt")
    return (".",) if "project" in _project(folder) else ()


def _tests(folder: Path) -> Iterator[str]:
    for _, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _PRUNED]
        yield from (
            name
            for name in files
            if name.endswith("_test.py") or (name.startswith("test_") and name.endswith(".py"))
        )


def _version(folder: Path) -> str:
    """The version of Python that it asks for; "" leaves it to the project's answer."""
    file = folder / ".python-version"
    asked = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    found = re.match(r"\s*(3\.\d{1,2})\b", asked)
    return found[1] if found else ""


def _project(folder: Path) -> dict[str, Any]:
    try:
        return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return {}
