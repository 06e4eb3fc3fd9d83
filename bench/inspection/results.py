"""Shows what the inspection bench measured: a table, and JSON, Markdown and a chart in a folder."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from bench.report import Promise, promises_markdown, promises_table

from .peers import Run

Runs = Mapping[str, Sequence[Run]]


@dataclass(frozen=True)
class Results:
    """`runs` by number of files and contender; `staged` those on ten changed files."""

    recorded: Mapping[str, Any]
    runs: Mapping[int, Runs]
    staged: Runs
    promises: Sequence[Promise]

    def show(self, console: Console) -> None:
        table = Table(title="Inspections", title_justify="left")
        for heading in ("files", "contender", "seconds", "MB"):
            table.add_column(heading)
        for row in self._rows():
            table.add_row(*row)
        console.print(table, promises_table(self.promises))

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "inspection.json").write_text(json.dumps(self._data(), indent=2) + "\n", "utf-8")
        (folder / "inspection.md").write_text(self._markdown(), "utf-8")
        self._draw(folder / "inspection.svg")

    def _rows(self) -> Iterator[tuple[str, str, str, str]]:
        named = {f"{size:,}": runs for size, runs in self.runs.items()}
        for files, runs in {**named, "10 staged": self.staged}.items():
            for contender, those in runs.items():
                seconds = median(run.seconds for run in those)
                most = max(run.megabytes for run in those)
                yield files, contender, f"{seconds:.2f}", f"{most:.0f}"

    def _data(self) -> dict[str, Any]:
        return {
            "recorded": dict(self.recorded),
            "runs": {
                str(size): {name: [asdict(run) for run in those] for name, those in runs.items()}
                for size, runs in self.runs.items()
            },
            "staged": {name: [asdict(run) for run in those] for name, those in self.staged.items()},
            "promises": [asdict(promise) | {"kept": promise.is_kept} for promise in self.promises],
        }

    def _markdown(self) -> str:
        lines = ["# Inspection", "", "Written by `make bench-inspection`.", ""]
        lines += [f"- {name}: {value}" for name, value in self.recorded.items()]
        lines += ["", "| files | contender | seconds | MB |", "| --- | --- | --- | --- |"]
        lines += [f"| {' | '.join(row)} |" for row in self._rows()]
        return "\n".join([*lines, "", *promises_markdown(self.promises), ""])

    def _draw(self, file: Path) -> None:
        figure = Figure(figsize=(8, 4))
        axes = figure.subplots()
        sizes = sorted(self.runs)
        names = list(dict.fromkeys(name for runs in self.runs.values() for name in runs))
        for name in names:
            points = [
                (size, median(run.seconds for run in self.runs[size][name]))
                for size in sizes
                if name in self.runs[size]
            ]
            axes.plot(*zip(*points, strict=True), marker="o", label=name)
        axes.set_xlabel("files in the tree")
        axes.set_ylabel("seconds (lower is better)")
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        figure.tight_layout()
        figure.savefig(file, metadata={"Date": None})
