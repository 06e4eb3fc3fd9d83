"""Each contender as a command, and what a run of it took: wall clock and memory."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.project import ROOT, CommandError

SEMGREP = "semgrep==1.182.0"
ASSEMBLED = ROOT / "assembled"


@dataclass(frozen=True)
class Run:
    """`seconds` of wall clock, and the most memory that one process of it held, in MB."""

    seconds: float
    megabytes: float


def timed(command: Sequence[str], folder: Path, *, accepted: Sequence[int] = (0,)) -> Run:
    """Run it once.

    Raises:
        CommandError: another exit status than those accepted.

    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    environment |= {
        "PYTHONPATH": str(ASSEMBLED),
        # As wherever it is installed: modules are compiled once. Not into what is stamped.
        "PYTHONPYCACHEPREFIX": str(Path(sys.prefix) / "bench-bytecode"),
        "SEMGREP_SEND_METRICS": "off",
        "SEMGREP_ENABLE_VERSION_CHECK": "0",
    }
    with tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=errors
        )
        # Of this process and all that it waited for; getrusage would tell of those before, too.
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in accepted:
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip()[-500:]
            raise CommandError(f"{command[0]} stopped with {process.returncode}: {said}")
    return Run(seconds, used.ru_maxrss / 1024)


def inspection(tree: Path) -> list[str]:
    return [
        sys.executable, "-m", "roadworthy", "inspect", str(tree), "--format", "json",
        "--html", str(tree.with_suffix(".html")), "--output", str(tree.with_suffix(".json")),
    ]  # fmt: skip


def staged() -> list[str]:
    return [sys.executable, "-m", "guardrails", "check", "--staged"]


def ast_grep_alone(rules: Path) -> list[str]:
    """ast-grep with the very rules of the guard `patterns`, printing what it matches."""
    binary = str(Path(sys.executable).with_name("ast-grep"))
    return [binary, "scan", "--config", str(rules / "sgconfig.yml"), "--json=stream", "."]


def semgrep(binary: Path, rules: Path, *paths: str) -> list[str]:
    return [
        str(binary), "scan", "--config", str(rules), "--metrics", "off", "--quiet",
        "--disable-version-check", "--no-git-ignore", "--json", *(paths or ["."]),
    ]  # fmt: skip


def install_semgrep(folder: Path) -> Path:
    """In an environment of its own: it holds other packages to older versions."""
    uv = str(Path(sys.executable).with_name("uv"))
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, str(folder)],
        [uv, "pip", "install", "--quiet", "--python", str(folder), SEMGREP],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CommandError(f"semgrep could not be installed: {done.stderr.strip()[-300:]}")
    return folder / "bin" / "semgrep"
