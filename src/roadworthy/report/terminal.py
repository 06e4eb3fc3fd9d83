"""The summary of an inspection: what fits a screen."""

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from roadworthy.inspection import AreaLevel, Gap, Inspection, Issue, State

from .words import (
    EVIDENCE,
    OPERATIONS,
    VERBS,
    area_note,
    counts,
    level_words,
    matrix,
    overall_words,
    printable,
    stack_lines,
    strangers_reach,
    worst,
)

_LEVEL_STYLES = ("bold red", "yellow", "cyan", "bold green")
_SEVERITY_STYLES = {
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "low": "cyan",
    "info": "dim",
}
_MOST_GAPS = 3
_WORST = 4


def summary(inspection: Inspection) -> RenderableType:
    return _Summary(inspection)


class _Summary:
    def __init__(self, inspection: Inspection) -> None:
        self._inspection = inspection

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del console, options
        it = self._inspection
        yield _title(it)
        yield _stack(it)
        yield Text()
        yield _areas(it)
        if it.facts.get("matrix"):
            yield _reach(it)
        yield Text()
        yield from _worst(it)
        yield from _unseen(it)
        yield from _next(it)
        if it.since:
            yield _since(it)


def _title(it: Inspection) -> Text:
    found = ", ".join(f"{count} {label}" for label, count in counts(it)) or "nothing found"
    return Text.assemble(
        (printable(it.name), "bold"),
        "  ",
        (overall_words(it), _LEVEL_STYLES[it.level]),
        f"  {found}",
        (f"  {it.files:,} files in {it.seconds:.0f} s", "dim"),
        no_wrap=True,
        overflow="ellipsis",
    )


def _stack(it: Inspection) -> Text:
    parts = [f"{title} {printable(names)}" for title, names in stack_lines(it)]
    return Text(" · ".join(parts), style="dim")


def _grid() -> Table:
    return Table.grid(padding=(0, 2, 0, 0), expand=True)


def _areas(it: Inspection) -> Table:
    table = _grid()
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for area in it.areas:
        table.add_row(
            area.area,
            Text(level_words(area.level, area.state), style=_style(area)),
            Text(printable(area_note(area)), style="dim"),
        )
    return table


def _style(area: AreaLevel) -> str:
    return "dim" if area.state is State.NOT_APPLICABLE else _LEVEL_STYLES[area.level]


def _reach(it: Inspection) -> Text:
    rows = matrix(it)
    reach = strangers_reach(rows)
    words = ", ".join(f"{VERBS[operation]} {reach[operation]}" for operation in OPERATIONS)
    return Text(
        f"A stranger with no account can {words} of {len(rows)} tables",
        style="bold red" if any(reach.values()) else "green",
    )


def _worst(it: Inspection) -> list[RenderableType]:
    chosen = worst(it, _WORST)
    return [_issue(issue) for issue in chosen]


def _issue(issue: Issue) -> RenderableType:
    more = f" and {issue.count - 1:,} more" if issue.count > 1 else ""
    head = Text.assemble(
        (f"{issue.severity.label:8} ", _SEVERITY_STYLES[issue.severity.label]),
        (printable(issue.message), ""),
        no_wrap=True,
        overflow="ellipsis",
    )
    place = Text(
        f"{printable(str(issue.places[0]))}{more} · {EVIDENCE.get(issue.evidence, issue.evidence)}"
        f" · {issue.rule}",
        style="dim",
        no_wrap=True,
        overflow="ellipsis",
    )
    return Group(head, Padding(place, (0, 0, 0, 9)))


def _unseen(it: Inspection) -> list[RenderableType]:
    if not it.gaps and not it.left:
        return []
    lines: list[RenderableType] = [Text(), Text("Not checked", style="bold")]
    entries = [*it.gaps, *(Gap(str(e["path"]) or "the tree", _left(e)) for e in it.left)]
    for gap in entries[:_MOST_GAPS]:
        text = f"  {printable(gap.what)}: {printable(gap.why)}"
        lines.append(Text(text, style="dim", no_wrap=True, overflow="ellipsis"))
    if len(entries) > _MOST_GAPS:
        lines.append(Text(f"  and {len(entries) - _MOST_GAPS} more: see the report", style="dim"))
    return lines


def _left(entry: object) -> str:
    if not isinstance(entry, dict):
        return ""
    files = f" ({entry['files']:,} files)" if entry.get("files") else ""
    return f"{entry['why']}{files}"


def _next(it: Inspection) -> list[RenderableType]:
    if not it.actions:
        return []
    table = _grid()
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for number, action in enumerate(it.actions, 1):
        about = f"{action.effort} · {action.count:,} × {action.rule}: {action.fault}"
        table.add_row(f"  {number}", Text(printable(action.title)))
        table.add_row("", Text(printable(about), style="dim"))
    return [Text(), Text("Next", style="bold"), table]


def _since(it: Inspection) -> Text:
    change = it.since
    if change is None:
        return Text()
    return Text.assemble(
        f"\nSince {change.looked_at[:10]}: ",
        (f"{len(change.gone)} mended", "green"),
        ", ",
        (f"{len(change.appeared)} new", "red" if change.appeared else "dim"),
        f", level {change.level_before} → {it.level}",
    )
