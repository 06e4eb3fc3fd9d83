"""Puts one server under load, with wrk where it is installed and with `bench.client` elsewhere."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("wrk.lua")


class LoadError(Exception):
    """Some requests were not answered with success, so the figures mean nothing."""


@dataclass(frozen=True)
class Target:
    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Load:
    connections: int
    seconds: float

    def on(self, target: Target) -> "Answered":
        command = self._wrk(target) if shutil.which("wrk") else self._client(target)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LoadError(f"{command[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
        report = json.loads(done.stdout.strip().splitlines()[-1])
        if report["refused"] or report["broken"] or not report["requests"]:
            raise LoadError(
                f"{target.url}: {report['requests']} requests, of which {report['refused']} were "
                f"refused and {report['broken']} broke off."
            )
        return Answered(
            report["requests"],
            report["requests"] / report["seconds"],
            report["p50_ms"],
            report["p99_ms"],
        )

    def _wrk(self, target: Target) -> list[str]:
        headers = [f"--header={name}: {value}" for name, value in target.headers.items()]
        size = ["--threads=1", f"--connections={self.connections}"]
        span = [f"--duration={self.seconds:.0f}s", "--timeout=10s", f"--script={SCRIPT}"]
        return ["wrk", *size, *span, *headers, target.url]

    def _client(self, target: Target) -> list[str]:
        order = json.dumps(asdict(target) | asdict(self))
        return [sys.executable, "-m", "bench.client", order]


@dataclass(frozen=True)
class Answered:
    """What a server answered under load, all of it with success."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float


def generator() -> str:
    if not shutil.which("wrk"):
        return "bench.client"
    said = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False).stdout
    return " ".join(said.split()[:2])
