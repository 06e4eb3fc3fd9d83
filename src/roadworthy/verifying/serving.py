"""How a prototype of each kind is started, as it would be in production, on a port of ours."""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_BUILT = ("dist", "build", "out", "www", "dist/public")
_STARTED = re.compile(r"\bnode\s+(?:-\S+\s+)*([\w./-]+\.[cm]?js)\b")


@dataclass(frozen=True)
class Start:
    argv: tuple[str, ...]
    variables: Mapping[str, str]


def start_of(folder: Path, answers: Mapping[str, Any], venv: Path, port: int) -> Start | None:
    """The command that serves the app in `folder`; None for what can't be served."""
    kind, entry = str(answers.get("kind", "")), str(answers.get("entry", ""))
    variables = {"PORT": str(port), "HOST": "127.0.0.1", "HOSTNAME": "127.0.0.1"}
    python = str(venv / "bin" / "python")
    if kind == "fastapi" and entry:
        command = ("-m", "uvicorn", entry, "--host", "127.0.0.1", "--port", str(port))
        return Start((*_python(answers, python), *command), variables)
    if kind == "flask" and entry:
        command = ("-m", "flask", "--app", entry, "run", "--port", str(port))
        return Start((*_python(answers, python), *command), variables)
    if kind == "nextjs":
        how = "start" if (folder / ".next" / "BUILD_ID").is_file() else "dev"
        argv = ("npx", "--no-install", "next", how, "--port", str(port), "--hostname", "127.0.0.1")
        return Start(argv, variables)
    return _of_package(folder, variables, port)


def _python(answers: Mapping[str, Any], python: str) -> tuple[str, ...]:
    runners = {"uv": ("uv", "run", "--no-sync", "python"), "poetry": ("poetry", "run", "python")}
    return runners.get(str(answers.get("manager", "")), (python,))


def _can_start(folder: Path, script: str) -> bool:
    """A server that the build does not make is left over: the host has the pages, and functions."""
    started = _STARTED.search(script)
    return "vite" not in script and (started is None or (folder / started[1]).is_file())


def _of_package(folder: Path, variables: Mapping[str, str], port: int) -> Start | None:
    """Pages that were built, the server that package.json starts, or Vite's own."""
    try:
        package = json.loads((folder / "package.json").read_text(encoding="utf-8-sig"))
        scripts, main = package.get("scripts") or {}, str(package.get("main", ""))
    except (OSError, ValueError, AttributeError):
        return None
    if "start" in scripts and _can_start(folder, str(scripts["start"])):
        return Start(("npm", "run", "start"), variables)
    for name in _BUILT:
        if (folder / name / "index.html").is_file():
            program = "from roadworthy.verifying.pages import main; main()"
            argv = (sys.executable, "-I", "-c", program, str(folder / name), str(port))
            return Start(argv, variables)
    if main.endswith((".js", ".mjs", ".cjs")) and (folder / main).is_file():
        return Start(("node", main), variables)
    return None
