"""The command: stamp a service, measure it beside its rivals, write down what came out."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.console import Console

from . import machine, project
from .load import Load, LoadError
from .project import CommandError
from .report import Promise, Report
from .rounds import ratio
from .scenes import (
    BARE,
    SERVICE,
    STAND_IN,
    STAND_IN_CALLER,
    Effort,
    Scenes,
    UnfairError,
    play,
)
from .servers import ServerError

RESULTS = Path(__file__).with_name("results")

console = Console()


def main(  # noqa: PLR0913 (the options of a command)
    *,
    rows: Annotated[int, typer.Option(help="Rows of the large table.", min=100)] = 5_000_000,
    rounds: Annotated[int, typer.Option(help="Rounds of A/B/A/B.", min=1)] = 3,
    seconds: Annotated[int, typer.Option(help="Seconds a contender and round.", min=1)] = 10,
    connections: Annotated[int, typer.Option(help="Connections that ask at once.", min=1)] = 32,
    tests: Annotated[bool, typer.Option(help="Time the stamped project's own tests.")] = True,
    output: Annotated[Path, typer.Option(help="Where the results are written.")] = RESULTS,
) -> None:
    """Measure a stamped service beside its rivals; fail when a promise is broken.

    A first look takes two minutes: python -m bench --rounds 2 --seconds 3 --rows 100000
    --no-tests --output /tmp/speed
    """
    try:
        with (
            console.status("") as status,
            tempfile.TemporaryDirectory(prefix="bench-") as work,
        ):
            Path(work).chmod(0o755)  # PostgreSQL is not root, even when we are
            effort = Effort(Load(connections, seconds), rounds, status.update)
            report = _measure(Path(work), rows, effort, tests=tests)
    except (CommandError, LoadError, ServerError, UnfairError) as error:
        console.print(f"[bold red]The bench could not be run.[/] {error}", highlight=False)
        raise typer.Exit(2) from error
    report.show(console)
    report.write(output)
    if not all(promise.is_kept for promise in report.promises):
        raise typer.Exit(1)


def _measure(work: Path, rows: int, effort: Effort, *, tests: bool) -> Report:
    load_before = os.getloadavg()[0]
    effort.tell("copier copy")
    stamped = work / "stamped-0"
    stampings = [project.stamp(work / f"stamped-{number}") for number in range(3)]
    copying = median(stamping.copying for stamping in stampings)
    whole = median(stamping.whole_command for stamping in stampings)
    promises = [Promise("`copier copy`, once it has started", copying, at_most=2, unit="s")]
    if tests:
        effort.tell("make test in the stamped project")
        testing = project.make_test(stamped)
        promises.append(Promise("`make test` of a stamped project", testing, at_most=60, unit="s"))
    outcome = play(stamped, work, rows, effort)
    recorded = {
        **machine.recorded(project.ROOT, outcome.postgres, load_before),
        "conditions": (
            f"one worker each, {effort.load.connections} connections, medians of "
            f"{effort.rounds} rounds of {effort.load.seconds} s, in turn"
        ),
        "copier copy": f"{whole:.1f} s as a command, with the start of Python and its imports",
        "everything on": outcome.everything_on,
    }
    kept = [*_speed(outcome.speed), *_pages(outcome.pages), *promises]
    return Report(recorded, {**outcome.speed, **outcome.pages}, kept)


def _speed(scenes: Scenes) -> Iterator[Promise]:
    bounds = {STAND_IN: 2.5, STAND_IN_CALLER: 2.5, BARE: 0.7}
    for rival, bound in bounds.items():
        for name, scene in scenes.items():
            if rival in scene:
                reached = ratio(scene[SERVICE], scene[rival])
                yield Promise(f"{name}: {SERVICE} to {rival}", reached, at_least=bound)


def _pages(scenes: Scenes) -> Iterator[Promise]:
    for name, scene in scenes.items():
        (few, of_few), (many, of_many) = scene.items()
        cost = ratio(of_few, of_many)
        yield Promise(f"{name}: cost with {many} to {few}", cost, at_most=1.2)


if __name__ == "__main__":
    typer.run(main)
