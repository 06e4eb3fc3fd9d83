"""The command: adopt a prototype of 500 files, and say how long that takes."""

import json
import os
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.console import Console

from bench import machine
from bench.inspection import trees
from bench.inspection.peers import timed
from bench.project import ROOT, CommandError
from bench.report import Promise, promises_markdown, promises_table

RESULTS = Path(__file__).parent / "results"
FILES = 500

console = Console()


def main(
    *,
    rounds: Annotated[int, typer.Option(help="Rounds, each on a new tree.", min=1)] = 3,
    output: Annotated[Path, typer.Option(help="Where the results are written.")] = RESULTS,
) -> None:
    """Measure an adoption, without verification; fail when a promise is broken."""
    load_before = os.getloadavg()[0]
    command = [sys.executable, "-m", "roadworthy", "adopt", "--yes", "--no-verify"]
    command += ["--template", str(ROOT)]
    seconds = []
    try:
        for number in range(rounds):
            with (
                console.status(f"round {number + 1} of {rounds}"),
                tempfile.TemporaryDirectory(prefix="bench-") as work,
            ):
                tree = Path(work) / "prototype"
                trees.plant(tree, FILES)
                seconds.append(timed(command, tree).seconds)
    except CommandError as error:
        console.print(f"[bold red]The bench could not be run.[/] {error}", highlight=False)
        raise typer.Exit(2) from error
    recorded = dict(machine.recorded(ROOT, "the wheel's", load_before))
    recorded["command"] = "python -m bench.adoption"
    promise = Promise(f"adopt {FILES} files", median(seconds), at_most=20, unit="s")
    console.print(promises_table([promise]))
    _write(output, recorded, seconds, promise)
    if not promise.is_kept:
        raise typer.Exit(1)


def _write(
    output: Path, recorded: dict[str, object], seconds: list[float], promise: Promise
) -> None:
    output.mkdir(parents=True, exist_ok=True)
    data = {"recorded": recorded, "seconds": [round(it, 2) for it in seconds]}
    (output / "adoption.json").write_text(json.dumps(data, indent=2) + "\n", "utf-8")
    lines = ["# Adoption", "", f"Written by `{recorded['command']}`.", ""]
    lines += [f"- {name}: {value}" for name, value in recorded.items()]
    lines += ["", *promises_markdown([promise]), ""]
    (output / "adoption.md").write_text("\n".join(lines), "utf-8")


if __name__ == "__main__":
    typer.run(main)
