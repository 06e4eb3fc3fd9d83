"""The summary of an inspection: what fits a screen."""

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from roadworthy.inspection import Action, AreaLevel, Fault, Gap, Inspection, State

from .words import (
    area_note,
    counted,
    counts,
    effort,
    evidence,
    level_words,
    overall_words,
    printable,
    reach_words,
    stack_lines,
    where,
    worst,
)

MOST_LINES = 40
"""A screen, with the line that says where the report is."""

_LEVEL_STYLES = ("bold red", "yellow", "cyan", "bold green")
_SEVERITY_STYLES = {
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "low": "cyan",
    "info": "dim",
}
_WORST = (5, 4, 3, 2)


def summary(inspection: Inspection) -> RenderableType:
    return _Summary(inspection)


class _Summary:
    def __init__(self, inspection: Inspection) -> None:
        self._inspection = inspection

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As many of the worst as leave room for the rest on one screen."""
        it = self._inspection
        for most in _WORST:
            shown = Group(*_parts(it, most))
            if len(console.render_lines(shown, options, pad=False)) <= MOST_LINES - 2:
                break
        yield shown


def _parts(it: Inspection, most: int) -> Iterator[RenderableType]:
    yield _title(it)
    yield _stack(it)
    yield Text()
    yield _areas(it)
    yield from _reach(it)
    if chosen := worst(it, most):
        yield _heading("Worst", _more(len(it.faults) - len(chosen), "kinds of fault"))
        yield from map(_fault, chosen)
    yield from _unseen(it)
    yield from _next(it)
    if it.since:
        yield _since(it)


def _heading(words: str, more: str = "") -> Text:
    return Text.assemble("\n", (words, "bold"), (more and f"  {more}", "dim"))


def _more(count: int, of: str) -> str:
    return f"{count:,} more {of} in the report" if count > 0 else ""


def _title(it: Inspection) -> Text:
    return Text.assemble(
        (printable(it.name), "bold"),
        "  ",
        (overall_words(it), _LEVEL_STYLES[it.level]),
        f"  {counted(counts(it)) or 'nothing found'}",
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
    for _ in range(2):
        table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for area in it.areas:
        found = counted(counts(it, area.area)[:2])
        note = Text.assemble(found, " · " * bool(found), _spoken(area_note(area, it), "dim"))
        table.add_row(
            area.area, Text(level_words(area.level, area.state), style=_style(area)), note
        )
    return table


def _style(area: AreaLevel) -> str:
    return "dim" if area.state is State.NOT_APPLICABLE else _LEVEL_STYLES[area.level]


def _reach(it: Inspection) -> Iterator[Text]:
    for at, (said, reaches) in enumerate(reach_words(it)):
        style = "yellow" if at or "stranger" not in said else "bold red"
        yield Text(said, style=style if reaches else "green")


def _fault(fault: Fault) -> RenderableType:
    first = fault.first
    facts = Text(style="dim", no_wrap=True, overflow="ellipsis")
    facts.append(f"{evidence(fault)} · {fault.rule.id} · ")
    facts.append(printable(str(first.places[0])))
    if fault.count > 1:
        facts.append(f" and {fault.count - 1:,} more")
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(min_width=8, no_wrap=True)
    table.add_column()
    table.add_row(
        Text(fault.severity.label, style=_SEVERITY_STYLES[fault.severity.label]),
        _spoken(fault.message),
    )
    return Group(table, Padding(facts, (0, 0, 0, 9)))


def _spoken(message: str, style: str = "") -> Text:
    """Names in sentences stand out by weight; in a terminal nobody needs their backticks."""
    text = Text(style=style)
    for at, part in enumerate(printable(message).split("`")):
        text.append(part, style="bold" if at % 2 and not style else "")
    return text


def _unseen(it: Inspection) -> Iterator[Text]:
    """What bears on most; the report has them all."""
    entries = [*it.gaps, *(Gap(str(e["path"]) or "the tree", _left(e)) for e in it.left)]
    if not entries:
        return
    most, others = entries[0], len(entries) - 1
    more = f" (and {others:,} more)" if others else ""
    yield Text()
    yield Text.assemble(
        ("Not checked", "bold"),
        (f"{more}  {printable(most.what)}: {printable(most.why)}", "dim"),
        no_wrap=True,
        overflow="ellipsis",
    )


def _left(entry: object) -> str:
    if not isinstance(entry, dict):
        return ""
    files = f" ({entry['files']:,} files)" if entry.get("files") else ""
    return f"{entry['why']}{files}"


def _next(it: Inspection) -> Iterator[RenderableType]:
    if not it.actions:
        return
    yield _heading("Next")
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    for number, action in enumerate(it.actions, 1):
        table.add_row(f"  {number}", Group(_spoken(action.title), _on(action)))
    yield table


def _on(action: Action, room: int = 95) -> Text:
    """As many names as leave the line whole."""
    for most in (3, 2, 1):
        said = f"{effort(action)} · {action.rule} · {printable(where(action, most))}"
        if len(said) <= room:
            break
    return Text(said, style="dim", no_wrap=True, overflow="ellipsis")


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
