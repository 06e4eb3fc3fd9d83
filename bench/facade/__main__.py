"""The command: adopt a prototype, measure its facade beside its rivals, write it down."""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer
from rich.console import Console

from bench import machine
from bench.load import Load, LoadError
from bench.project import ROOT, CommandError
from bench.report import Promise, Report
from bench.rounds import Contender, Scene, in_turn, ratio
from bench.servers import ServerError

from . import paced, sockets, streams
from .stage import Stage

RESULTS = Path(__file__).parents[1] / "results"
FACADE, BARE, LIBRARY = "facade, everything on", "bare proxy", "fastapi-proxy-lib"
MOUNT, ALONE = "mounted, everything on", "the app alone"
BEHIND, IN_PROCESS = "over HTTP, 1 KB", "in process, 1 KB"
_PROTOTYPES = "bench.facade.prototypes"

console = Console()


@dataclass(frozen=True)
class Effort:
    load: Load
    rounds: int
    megabytes: int
    tell: Callable[[str], None]

    def compare(self, name: str, contenders: Mapping[str, Contender]) -> Scene:
        return in_turn(
            contenders,
            load=self.load,
            warm_up=replace(self.load, seconds=min(self.load.seconds, 2)),
            rounds=self.rounds,
            tell=lambda step: self.tell(f"{name}: {step}"),
        )


def main(
    *,
    rounds: Annotated[int, typer.Option(help="Rounds of A/B/A/B.", min=1)] = 3,
    seconds: Annotated[int, typer.Option(help="Seconds a contender and round.", min=1)] = 8,
    connections: Annotated[int, typer.Option(help="Connections that ask at once.", min=1)] = 64,
    megabytes: Annotated[int, typer.Option(help="Size of a large body.", min=1)] = 1024,
    output: Annotated[Path, typer.Option(help="Where the results are written.")] = RESULTS,
) -> None:
    """Measure the facade beside bare proxies; fail when a promise is broken.

    A first look takes a minute: python -m bench.facade --rounds 1 --seconds 3 --megabytes 64
    --output /tmp/facade
    """
    try:
        with (
            console.status("") as status,
            tempfile.TemporaryDirectory(prefix="bench-") as work,
            ExitStack() as stack,
        ):
            Path(work).chmod(0o755)  # PostgreSQL is not root, even when we are
            effort = Effort(Load(connections, seconds), rounds, megabytes, status.update)
            report = _measure(stack, Path(work), effort)
    except (CommandError, LoadError, ServerError) as error:
        console.print(f"[bold red]The bench could not be run.[/] {error}", highlight=False)
        raise typer.Exit(2) from error
    report.show(console)
    report.write(output)
    if not all(promise.is_kept for promise in report.promises):
        raise typer.Exit(1)


def _measure(stack: ExitStack, work: Path, effort: Effort) -> Report:
    load_before = os.getloadavg()[0]
    effort.tell("adopting")
    stage = Stage.opened(stack, work)
    upstream = stage.uvicorn("upstream", f"{_PROTOTYPES}:create_upstream")
    facade = stage.facade("facade", PROTOTYPE_URL=upstream.url)
    bare = stage.uvicorn("bare", "bench.rivals.proxy:create_app", UPSTREAM=upstream.url)
    library = stage.uvicorn("library", "bench.rivals.proxylib:create_app", UPSTREAM=upstream.url)
    mount = stage.facade("mount", PROTOTYPE_APP=f"{_PROTOTYPES}:mounted", PROTOTYPE_DIR=str(ROOT))
    alone = stage.uvicorn("alone", f"{_PROTOTYPES}:create_mounted")
    scenes = {
        BEHIND: effort.compare(
            BEHIND,
            {
                FACADE: stage.contender(facade, "/item"),
                BARE: stage.contender(bare, "/item"),
                LIBRARY: stage.contender(library, "/item"),
            },
        ),
        IN_PROCESS: effort.compare(
            IN_PROCESS,
            {
                MOUNT: stage.contender(mount, "/items/7"),
                ALONE: stage.contender(alone, "/items/7"),
            },
        ),
    }
    contenders = {
        name: stage.contender(server, "/item")
        for name, server in ((FACADE, facade), (BARE, bare), ("", upstream))
    }
    promises = [
        *_speed(scenes),
        _echoes(contenders, effort),
        _added(contenders, scenes[BEHIND][FACADE].per_second / 2, effort),
        *_flat(contenders[FACADE], effort),
    ]
    asked = scenes[BEHIND][FACADE].requests
    recorded: dict[str, Any] = {
        **machine.recorded(ROOT, stage.version(), load_before),
        "command": "python -m bench.facade",
        "conditions": (
            f"one worker each, {effort.load.connections} connections, medians of "
            f"{effort.rounds} rounds of {effort.load.seconds} s, in turn"
        ),
        "everything on": (
            f"gate enforcing on a verified token, {facade.lines_about_requests():,} log lines and "
            f"{stage.receiver.requests_traced():,} traces (of facade and mount) for {asked:,} "
            "measured requests and more"
        ),
    }
    recorded["versions"] |= machine.versions("aiohttp", "websockets", "fastapi-proxy-lib")
    return Report(recorded, scenes, promises, name="facade", title="The facade")


def _speed(scenes: Mapping[str, Scene]) -> Iterator[Promise]:
    behind, mounted = scenes[BEHIND], scenes[IN_PROCESS]
    yield Promise("facade to bare proxy", ratio(behind[FACADE], behind[BARE]), at_least=0.6)
    yield Promise(
        "facade to fastapi-proxy-lib", ratio(behind[FACADE], behind[LIBRARY]), at_least=10
    )
    yield Promise("mount to the app alone", ratio(mounted[MOUNT], mounted[ALONE]), at_least=0.8)


def _echoes(contenders: Mapping[str, Contender], effort: Effort) -> Promise:
    ratios = []
    for number in range(effort.rounds):
        effort.tell(f"WebSocket echoes, round {number + 1} of {effort.rounds}")
        mine, theirs = (
            sockets.echoes_per_second(
                contenders[name], effort.load.connections, effort.load.seconds
            )
            for name in (FACADE, BARE)
        )
        ratios.append(mine / theirs)
    return Promise("WebSocket echoes: facade to bare proxy", median(ratios), at_least=0.7)


def _added(contenders: Mapping[str, Contender], rate: float, effort: Effort) -> Promise:
    added = []
    for number in range(effort.rounds):
        effort.tell(f"half load, round {number + 1} of {effort.rounds}")
        through, direct = (
            paced.latency(contenders[name], effort.load.connections, rate, effort.load.seconds)
            for name in (FACADE, "")
        )
        added.append(through.p99_ms - direct.p99_ms)
    name = f"added p99 at half load ({rate:,.0f} requests per second)"
    return Promise(name, median(added), at_most=3, unit="ms")


def _flat(contender: Contender, effort: Effort) -> Iterator[Promise]:
    for name, stream in (("download", streams.downloaded), ("upload", streams.uploaded)):
        effort.tell(f"{effort.megabytes} MB {name}")
        took = stream(contender, effort.megabytes)
        speed = took.megabytes / took.seconds
        told = f"memory that a {name} of {took.megabytes} MB takes ({speed:,.0f} MB/s)"
        yield Promise(told, took.grown_megabytes, at_most=50, unit="MB")


if __name__ == "__main__":
    typer.run(main)
