"""Shows what was measured: a table in the terminal, and JSON, Markdown and a chart in a folder."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from .rounds import Scene, Series

_COLOURS = ("#1b7f5c", "#9aa5b1", "#d98c3f", "#efc79b")


@dataclass(frozen=True)
class Promise:
    """A figure that the template promises. `at_least` and `at_most` bound it; `aim` is beyond."""

    name: str
    measured: float
    at_least: float | None = None
    at_most: float | None = None
    unit: str = "×"

    @property
    def is_kept(self) -> bool:
        return (self.at_least is None or self.measured >= self.at_least) and (
            self.at_most is None or self.measured <= self.at_most
        )

    @property
    def bound(self) -> str:
        if self.at_least is not None:
            return f"≥ {self.at_least:g} {self.unit}"
        return f"≤ {self.at_most:g} {self.unit}"


def promises_table(promises: Sequence[Promise]) -> Table:
    """For a terminal."""
    table = Table(title="Promises", title_justify="left")
    for heading in ("promise", "measured", "bound", ""):
        table.add_column(heading, justify="left" if heading == "promise" else "right")
    for promise in promises:
        verdict = "[green]kept[/]" if promise.is_kept else "[bold red]broken[/]"
        table.add_row(promise.name, _measured(promise), promise.bound, verdict)
    return table


def promises_markdown(promises: Sequence[Promise]) -> list[str]:
    """The lines of a Markdown table."""
    return [
        *_markdown_table(("promise", "measured", "bound", "kept")),
        *(
            _markdown_row(
                (
                    promise.name,
                    _measured(promise),
                    promise.bound,
                    "yes" if promise.is_kept else "**no**",
                )
            )
            for promise in promises
        ),
    ]


def _measured(promise: Promise) -> str:
    return f"{promise.measured:.2f} {promise.unit}"


@dataclass(frozen=True)
class Report:
    recorded: Mapping[str, Any]
    scenes: Mapping[str, Scene]
    promises: Sequence[Promise]
    name: str = "speed"
    title: str = "Speed"

    def show(self, console: Console) -> None:
        figures = Table(title="Requests", title_justify="left")
        for heading in _HEADINGS:
            figures.add_column(heading, justify="left" if heading in _HEADINGS[:2] else "right")
        for name, scene in self.scenes.items():
            for row in _rows(name, scene):
                figures.add_row(*row)
            figures.add_section()
        console.print(figures, promises_table(self.promises))

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.name}.json").write_text(
            json.dumps(self._data(), indent=2) + "\n", "utf-8"
        )
        (folder / f"{self.name}.md").write_text(self._markdown(), "utf-8")
        self._draw(folder / f"{self.name}.svg")

    def _data(self) -> dict[str, Any]:
        return {
            "recorded": dict(self.recorded),
            "scenes": {
                name: {contender: _figures(series) for contender, series in scene.items()}
                for name, scene in self.scenes.items()
            },
            "promises": [asdict(promise) | {"kept": promise.is_kept} for promise in self.promises],
        }

    def _markdown(self) -> str:
        command = self.recorded["command"]
        said = f"Written by `{command}`; the chart is {self.name}.svg."
        lines = [f"# {self.title}", "", said, ""]
        lines += [f"- {name}: {value}" for name, value in self._told()]
        lines += ["", *_markdown_table(_HEADINGS)]
        for name, scene in self.scenes.items():
            lines += [_markdown_row(row) for row in _rows(name, scene)]
        return "\n".join([*lines, "", *promises_markdown(self.promises), ""])

    def _told(self) -> list[tuple[str, str]]:
        return [
            (name, ", ".join(f"{k} {v}" for k, v in value.items()))
            if isinstance(value, Mapping)
            else (name, str(value))
            for name, value in self.recorded.items()
        ]

    def _draw(self, file: Path) -> None:
        mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": self.name, "font.size": 10}
        figure = Figure(figsize=(8, 0.9 + 0.42 * sum(len(s) + 1 for s in self.scenes.values())))
        axes = figure.subplots()
        place, ticks = 0.0, []
        for name, scene in self.scenes.items():
            top = place
            for colour, (contender, series) in zip(_COLOURS, scene.items(), strict=False):
                axes.barh(place, series.per_second, color=colour, height=0.8)
                label = f" {series.per_second:,.0f}  {contender}"
                axes.text(series.per_second, place, label, va="center")
                place += 1
            ticks.append(((top + place - 1) / 2, name))
            place += 0.7
        axes.set_yticks([at for at, _ in ticks], [name for _, name in ticks])
        axes.invert_yaxis()
        axes.margins(x=0.28)
        axes.set_xlabel("requests per second, one worker (higher is better)")
        axes.spines[["top", "right"]].set_visible(False)
        figure.tight_layout()
        figure.savefig(file, metadata={"Date": None})


_HEADINGS = ("request", "of", "per second", "p50 ms", "p99 ms", "CPU ms each")


def _rows(name: str, scene: Scene) -> list[tuple[str, ...]]:
    return [
        (
            name if first else "",
            contender,
            f"{series.per_second:,.0f}",
            f"{series.p50_ms:,.0f}",
            f"{series.p99_ms:,.0f}",
            "–" if series.cpu_ms is None else f"{series.cpu_ms:.2f}",
        )
        for first, (contender, series) in zip(
            [True] + [False] * len(scene), scene.items(), strict=False
        )
    ]


def _figures(series: Series) -> dict[str, Any]:
    return {
        "per_second": round(series.per_second, 1),
        "p50_ms": round(series.p50_ms, 2),
        "p99_ms": round(series.p99_ms, 2),
        "cpu_ms": None if series.cpu_ms is None else round(series.cpu_ms, 3),
        "rounds": [round(sample.answered.per_second, 1) for sample in series.samples],
    }


def _markdown_table(headings: Sequence[str]) -> list[str]:
    return [_markdown_row(headings), _markdown_row(["---"] * len(headings))]


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
