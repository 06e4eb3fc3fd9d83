"""On what, with what and from what a figure was taken: without that it means nothing."""

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .load import generator

_PACKAGES = ("fastapi", "starlette", "uvicorn", "uvloop", "sqlalchemy", "psycopg", "pydantic")


def recorded(checkout: Path, postgres: str, before: float) -> Mapping[str, Any]:
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()}",
        "load before": f"{before:.1f} processes wanted a processor in the minute before",
        "commit": _commit(checkout),
        "command": shlex.join(["python", "-m", "bench", *sys.argv[1:]]),
        "load": generator(),
        "versions": {
            "python": platform.python_version(),
            "postgresql": postgres,
            **versions(*_PACKAGES),
        },
    }


def versions(*packages: str) -> dict[str, str]:
    return {package: version(package) for package in packages}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _commit(checkout: Path) -> str:
    def git(*arguments: str) -> str:
        command = ["git", "-C", str(checkout), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    commit = git("rev-parse", "--short", "HEAD") or "unknown"
    changed = git("status", "--porcelain", "--", "template", "copier.yml")
    return f"{commit} and uncommitted changes" if changed else commit
