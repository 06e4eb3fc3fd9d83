"""The command: inspect trees of several sizes beside ast-grep and semgrep."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from guardrails.engine.rules import load
from guardrails.guards.patterns.scan import patterns_of, write_rules
from rich.console import Console

from bench import machine
from bench.project import ROOT, CommandError
from bench.report import Promise

from . import equal, peers, trees
from .peers import Run
from .results import Results

RESULTS = Path(__file__).parents[1] / "results"
SIZES = (500, 2_000, 8_000)
MAIN = 2_000
INSPECT, AST_GREP, SEMGREP = "roadworthy inspect", "ast-grep, the same rules", "semgrep"
MEGABYTES = 500

console = Console()


def main(
    *,
    rounds: Annotated[int, typer.Option(help="Rounds, in turn.", min=1)] = 3,
    output: Annotated[Path, typer.Option(help="Where the results are written.")] = RESULTS,
) -> None:
    """Measure an inspection beside scanners that only read; fail when a promise is broken."""
    try:
        with (
            console.status("") as status,
            tempfile.TemporaryDirectory(prefix="bench-") as work,
        ):
            results = _measure(Path(work), rounds, status.update)
    except CommandError as error:
        console.print(f"[bold red]The bench could not be run.[/] {error}", highlight=False)
        raise typer.Exit(2) from error
    results.show(console)
    results.write(output)
    if not all(promise.is_kept for promise in results.promises):
        raise typer.Exit(1)


def _measure(work: Path, rounds: int, tell: Callable[[str], None]) -> Results:
    load_before = os.getloadavg()[0]
    tell("installing semgrep")
    semgrep = peers.install_semgrep(work / "semgrep")
    patterns = patterns_of(load())
    rules = work / "rules"
    rules.mkdir()
    write_rules(rules, patterns)
    equal.write(work / "semgrep.json", len(patterns))
    runs: dict[int, dict[str, list[Run]]] = {}
    for size in SIZES:
        tree = work / f"tree-{size}"
        tell(f"planting {size:,} files")
        trees.plant(tree, size)
        contenders = {INSPECT: peers.inspection(tree)}
        if size == MAIN:
            contenders |= {
                AST_GREP: peers.ast_grep_alone(rules),
                SEMGREP: peers.semgrep(semgrep, work / "semgrep.json"),
            }
        runs[size] = _in_turn(contenders, tree, rounds if size == MAIN else 1, tell)
    tell("ten staged files")
    tree = work / f"tree-{MAIN}"
    ten = trees.stage_ten(tree)
    contenders = {
        INSPECT: peers.staged(),
        SEMGREP: peers.semgrep(semgrep, work / "semgrep.json", *ten),
    }
    staged = _in_turn(contenders, tree, rounds, tell)
    recorded = dict(machine.recorded(ROOT, "the wheel's", load_before))
    recorded["command"] = "python -m bench.inspection"
    recorded["versions"] = machine.versions("ast-grep-cli", "kingfisher-bin", "ruff") | {
        "semgrep": peers.SEMGREP.partition("==")[2]
    }
    return Results(recorded, runs, staged, list(_promises(runs, staged)))


def _in_turn(
    contenders: Mapping[str, Sequence[str]], tree: Path, rounds: int, tell: Callable[[str], None]
) -> dict[str, list[Run]]:
    runs: dict[str, list[Run]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name, command in contenders.items():
            tell(f"{name}, round {number + 1} of {rounds}")
            runs[name].append(peers.timed(command, tree, accepted=(0, 1)))
    return runs


def _promises(
    runs: Mapping[int, Mapping[str, Sequence[Run]]], staged: Mapping[str, Sequence[Run]]
) -> list[Promise]:
    main_runs = {name: _seconds(those) for name, those in runs[MAIN].items()}
    ten = {name: _seconds(those) for name, those in staged.items()}
    small, large = (_seconds(runs[size][INSPECT]) for size in (SIZES[1], SIZES[-1]))
    most = max(run.megabytes for run in runs[MAIN][INSPECT])
    return [
        Promise(
            "inspection to ast-grep alone", main_runs[INSPECT] / main_runs[AST_GREP], at_most=3
        ),
        Promise("semgrep to inspection", main_runs[SEMGREP] / main_runs[INSPECT], at_least=3),
        Promise("ten staged files: semgrep to ours", ten[SEMGREP] / ten[INSPECT], at_least=15),
        Promise("memory of one process", most, at_most=MEGABYTES, unit="MB"),
        Promise(
            f"time for {SIZES[-1]:,} files to {SIZES[1]:,}, by file",
            (large / SIZES[-1]) / (small / SIZES[1]),
            at_most=1.2,
        ),
    ]


def _seconds(runs: Sequence[Run]) -> float:
    return median(run.seconds for run in runs)


if __name__ == "__main__":
    typer.run(main)
