"""An inspection as Markdown: for a pull request, an issue or an assistant."""

import re
from collections.abc import Iterator

from roadworthy.inspection import Fault, Inspection, Issue, Severity, listed, steps

from .words import (
    OPERATIONS,
    VERBS,
    area_note,
    callers,
    cells,
    counted,
    counts,
    effort,
    evidence,
    level_words,
    matrix,
    overall_words,
    printable,
    reach_words,
    stack_lines,
    where,
)

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!])")
_SIGNS = {"yes": "**yes**", "own": "own rows", "no": "no", "unknown": "not checked"}
_MOST_PLACES = 10


def markdown(inspection: Inspection) -> str:
    return "\n".join(_lines(inspection)) + "\n"


def _lines(it: Inspection) -> Iterator[str]:
    found = counted(counts(it)) or "nothing found"
    yield f"# {_text(it.name)}: {overall_words(it)}"
    yield f"\n{found}. {it.files:,} files, looked at on {it.looked_at[:10]}.\n"
    for title, names in stack_lines(it):
        yield f"- {title}: {_text(names)}"
    yield "\n## Areas\n\n| Area | Level | Why |\n| --- | --- | --- |"
    for area in it.areas:
        yield (
            f"| {area.area} | {level_words(area.level, area.state)} "
            f"| {_prose(area_note(area, it))} |"
        )
    yield from _next(it)
    yield from _matrix(it)
    yield "\n## Findings"
    for fault in it.faults:
        if fault.severity > Severity.INFO:
            yield from _fault(fault)
    yield from _unseen(it)


def _next(it: Inspection) -> Iterator[str]:
    if it.actions:
        yield "\n## Next\n"
    for number, action in enumerate(it.actions, 1):
        about = f"{effort(action)}; {_text(where(action))}; {_code(action.rule)}"
        yield f"{number}. {_prose(action.title)} ({about})"


def _matrix(it: Inspection) -> Iterator[str]:
    rows = matrix(it)
    if not rows:
        return
    yield "\n## Who gets at what\n"
    for said, _ in reach_words(it):
        yield f"- {said}"
    for name, caller in callers(rows):
        opened = [row for row in rows if {"yes", "own", "unknown"} & set(cells(row, name))]
        if opened:
            heads = " | ".join(VERBS[operation] for operation in OPERATIONS)
            yield f"\n{caller} can\n\n| Table | {heads} |\n|" + " --- |" * 5
        for row in opened:
            signs = " | ".join(_SIGNS[cell] for cell in cells(row, name))
            yield f"| {_text(str(row.get('table', '')))} | {signs} |"
        if opened and len(opened) < len(rows):
            yield f"\nand nothing in the {len(rows) - len(opened)} other tables."


def _fault(fault: Fault) -> Iterator[str]:
    rule = fault.rule
    yield f"\n### {fault.severity.label}: {_prose(fault.message)}\n"
    yield (f"{_code(rule.id)} · {rule.area} · {evidence(fault)} · {effort(fault)} to mend\n")
    lines = [line for issue in fault.issues for line in _issue(issue, fault)]
    yield from lines[:_MOST_PLACES]
    if len(lines) > _MOST_PLACES:
        yield f"- and {len(lines) - _MOST_PLACES:,} more places"
    yield f"\n{_prose(rule.why)}\n\n**Mend:** {_prose(rule.mend)}"


def _issue(issue: Issue, fault: Fault) -> Iterator[str]:
    if issue.count > 1:
        for place in issue.places:
            said = f" {_prose(place.message)}" if place.message != fault.message else ""
            yield f"- {_code(str(place))}{said}"
        return
    said = f"{_prose(issue.message)}: " if issue.message != fault.message else ""
    way = steps(issue)
    places = [_code(str(place)) for place in way or issue.places]
    yield f"- {said}{' → '.join(places) if way else listed(places)}"


def _unseen(it: Inspection) -> Iterator[str]:
    if it.gaps or it.left:
        yield "\n## Not checked\n"
    for gap in it.gaps:
        yield f"- {_text(gap.what)}: {_text(gap.why)}"
    for entry in it.left:
        files = f" ({entry['files']:,} files)" if entry.get("files") else ""
        yield f"- {_text(str(entry['path']) or 'the tree')}: {_text(str(entry['why']))}{files}"


def _text(text: str) -> str:
    """The prototype's words, of which none becomes Markdown or HTML."""
    return _escaped(printable(text))


def _prose(text: str) -> str:
    """A sentence whose names stand between backticks."""
    parts = printable(text).split("`")
    if len(parts) % 2 == 0:
        return _text(text)
    return "".join(
        _code(part) if at % 2 and part else _escaped(part) for at, part in enumerate(parts)
    )


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text).replace("\\<", "&lt;").replace("\\&", "&amp;")


def _code(text: str) -> str:
    flat = printable(text).replace("`", "'")
    return f"`{flat}`"
