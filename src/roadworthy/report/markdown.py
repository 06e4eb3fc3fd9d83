"""An inspection as Markdown: for a pull request, an issue or an assistant."""

import re
from collections.abc import Iterator

from roadworthy.inspection import Inspection, Issue, Severity

from .words import (
    EVIDENCE,
    OPERATIONS,
    area_note,
    callers,
    cells,
    counts,
    level_words,
    matrix,
    overall_words,
    printable,
    stack_lines,
)

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!])")
_SIGNS = {"yes": "**yes**", "own": "own rows", "no": "no", "unknown": "not checked"}
_MOST_PLACES = 10


def markdown(inspection: Inspection) -> str:
    return "\n".join(_lines(inspection)) + "\n"


def _lines(it: Inspection) -> Iterator[str]:
    found = ", ".join(f"{count} {label}" for label, count in counts(it)) or "nothing found"
    yield f"# {_text(it.name)}: {overall_words(it)}"
    yield f"\n{found}. {it.files:,} files, looked at on {it.looked_at[:10]}.\n"
    for title, names in stack_lines(it):
        yield f"- {title}: {_text(names)}"
    yield "\n## Areas\n\n| Area | Level | Why |\n| --- | --- | --- |"
    for area in it.areas:
        yield (
            f"| {area.area} | {level_words(area.level, area.state)} | {_text(area_note(area))} |"
        )
    yield from _next(it)
    yield from _matrix(it)
    yield "\n## Findings"
    for issue in it.issues:
        if issue.severity > Severity.INFO:
            yield from _issue(it, issue)
    yield from _unseen(it)


def _next(it: Inspection) -> Iterator[str]:
    if it.actions:
        yield "\n## Next\n"
    for number, action in enumerate(it.actions, 1):
        about = f"{action.effort}; {_text(action.fault)}, {_code(action.rule)}"
        yield f"{number}. {_text(action.title)} ({about})"


def _matrix(it: Inspection) -> Iterator[str]:
    rows = matrix(it)
    if not rows:
        return
    for name, caller in callers(rows):
        yield f"\n## {caller} can\n\n| Table | {' | '.join(OPERATIONS)} |\n|" + " --- |" * 5
        for row in rows:
            signs = " | ".join(_SIGNS[cell] for cell in cells(row, name))
            yield f"| {_text(str(row.get('table', '')))} | {signs} |"


def _issue(it: Inspection, issue: Issue) -> Iterator[str]:
    rule = it.rules[issue.rule]
    yield f"\n### {issue.severity.label}: {_text(issue.message)}\n"
    yield (
        f"{_code(issue.rule)} · {issue.area} · {EVIDENCE.get(issue.evidence, issue.evidence)} · "
        f"{rule.effort} to mend\n"
    )
    for place in issue.places[:_MOST_PLACES]:
        yield f"- {_code(str(place))}"
    if issue.count > _MOST_PLACES:
        yield f"- and {issue.count - _MOST_PLACES:,} more places"
    yield f"\n{_text(rule.why)}\n\n**Mend:** {_text(rule.mend)}"


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
    return _SPECIAL.sub(r"\\\1", printable(text)).replace("\\<", "&lt;").replace("\\&", "&amp;")


def _code(text: str) -> str:
    flat = printable(text).replace("`", "'")
    return f"`{flat}`"
