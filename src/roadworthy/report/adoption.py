"""The plan of an adoption, and what came of it, for a terminal. It decides nothing."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from roadworthy.applying import BRANCH, Preparation, Prepared, Recorded
from roadworthy.applying.environment import advice
from roadworthy.applying.series import chapter_of, chapters
from roadworthy.inspection import LEVELS
from roadworthy.planning import Proposal, Standing, out_of_reach
from roadworthy.planning.revocation import in_words, revocations
from roadworthy.verifying.proof import Verified

from .words import effort, printable

_STYLES = {
    Standing.PRESENT: "dim",
    Standing.ADDABLE: "green",
    Standing.DECLINED: "dim",
    Standing.DECISION: "yellow",
    Standing.MOOT: "dim",
}
_NEXT = 3
_MOST_LINES = 12
_UNTOUCHED = (
    "Nothing of the prototype's own is edited, moved or deleted; no history is rewritten, no "
    "branch renamed, nothing pushed, no database called."
)


def plan(wanted: Preparation, prepared: Prepared, proposals: Sequence[Proposal]) -> RenderableType:
    """What would be done, guardrail by guardrail and file by file."""
    return Group(*_plan(wanted, prepared, proposals))


def outcome(wanted: Preparation, recorded: Recorded, verified: Verified | None) -> RenderableType:
    """What was done, what it changed, and what comes next."""
    return Group(*_outcome(wanted, recorded, verified))


def _plan(
    wanted: Preparation, prepared: Prepared, proposals: Sequence[Proposal]
) -> Iterator[RenderableType]:
    yield _recognised(wanted)
    yield _heading("Guardrails")
    table = _grid()
    for it in proposals:
        said = it.why or it.guardrail.brings
        table.add_row(
            f"  {it.guardrail.title}", Text(it.standing.value, _STYLES[it.standing]), said
        )
    yield table
    yield from _files(wanted, prepared)
    yield from _shared(prepared)
    if untracked := prepared.untracked.paths:
        yield _heading("Out of version control, and never out of your folder")
        yield from (Text(f"  {printable(path)}") for path in untracked)
        taken = [file for file in prepared.environment if file["path"] in untracked]
        yield from (Text(f"  {printable(line)}") for line in advice(taken))
    if secrets := revocations(wanted.inspection.issues):
        yield _heading("Leaked, and only you can revoke it")
        yield Text(in_words(secrets))
    for said in filter(None, prepared.said.values()):
        yield Text()
        yield from (Text(f"  {printable(line)}") for line in said.rstrip().splitlines())
    yield _heading("Left alone")
    yield Text(f"  {_UNTOUCHED}")
    yield from (Text(f"  {printable(path)}: yours stays") for path in prepared.laid.left)
    for path, why in prepared.untracked.left.items():
        yield Text(f"  {printable(path)}: stays in version control: {why}")
    for merge in prepared.merges:
        if merge["kind"] == "none":
            yield Text(f"  {printable(str(merge['path']))}: {merge['reason']}")


def _recognised(wanted: Preparation) -> Text:
    answers = wanted.answers
    parts = [str(answers["kind"]), f"in {answers['app']}", f"installed by {answers['manager']}"]
    if answers["entry"]:
        parts.append(f"starts as {answers['entry']}")
    elsewhere = [] if answers["database"] != "none" else out_of_reach(wanted.inspection.stack)
    parts.append(f"data: {' and '.join(elsewhere) or answers['database']}")
    if answers["keeps"] and any(map(wanted.wants, ("auth", "observability", "backups"))):
        parts.append(f"keeps {answers['keeps']}, which the service has too")
    name = Text(printable(str(answers["project_name"])), style="bold")
    return name.append(f"  {' · '.join(parts)}", style="dim")


def _files(wanted: Preparation, prepared: Prepared) -> Iterator[RenderableType]:
    new = (*prepared.laid.added, *prepared.laid.replaced)
    if not new:
        return
    known = chapters(wanted.home, str(wanted.answers["service_dir"]))
    counted = Counter(_folder(path, wanted) for path in new)
    for_what: dict[str, dict[str, None]] = {}
    for path in new:
        for_what.setdefault(_folder(path, wanted), {})[chapter_of(path, known).guardrail] = None
    yield _heading(f"New files  {len(new)}")
    table = _grid()
    for folder, count in sorted(counted.items()):
        table.add_row(
            f"  {printable(folder)}",
            f"{count} files" if count > 1 else "",
            Text(", ".join(for_what[folder]), style="dim"),
        )
    yield table


def _folder(path: str, wanted: Preparation) -> str:
    own = (wanted.guardrails, str(wanted.answers["service_dir"]))
    for folder in own:
        if path.startswith(f"{folder}/"):
            return f"{folder}/"
    folder, slash, _ = path.rpartition("/")
    return "/".join(folder.split("/")[:2]) + slash if slash else path


def _shared(prepared: Prepared) -> Iterator[RenderableType]:
    shared = [merge for merge in prepared.merges if merge["kind"] != "none"]
    if not shared:
        return
    yield _heading("Files that are shared")
    for merge in shared:
        yield Text(f"  {printable(str(merge['path']))}: {_merged(merge)}")
        for line in _added(merge):
            yield Text(f"      {printable(line)}", style="green")


def _merged(merge: Mapping[str, Any]) -> str:
    if merge["state"] == "refused":
        return f"needs a decision: {merge['reason']}"
    if merge["state"] == "up to date":
        return "up to date"
    return {"created": "is made", "block": "a marked block", "keys": "keys of ours"}.get(
        str(merge["kind"]), str(merge["kind"])
    )


def _added(merge: Mapping[str, Any]) -> list[str]:
    """What is put into a file that is there; of one that is made, only how long it is."""
    lines = str(merge.get("diff") or "").splitlines()
    added = [line for line in lines if line.startswith("+") and not line.startswith("+++")]
    if merge["kind"] == "created" and added:
        return [f"+ {len(added)} lines"]
    more = len(added) - _MOST_LINES
    return added if more <= 1 else [*added[:_MOST_LINES], f"… and {more} more lines"]


def _verified(verified: Verified | None) -> Iterator[RenderableType]:
    yield _heading("Verified, before and after")
    if verified is None:
        yield Text(
            "  Not: its own build and tests were not run. --verify runs them, in a copy.",
            style="yellow",
        )
        return
    table = _grid()
    for step in verified.after.steps:
        was = verified.before.step(step.name)
        table.add_row(
            f"  {step.name}",
            was.state.value if was else "",
            step.state.value,
            printable("" if step.passed else step.gist),
        )
    yield table
    yield Text(f"  {verified.after.containment}", style="dim")


def _outcome(
    wanted: Preparation, recorded: Recorded, verified: Verified | None
) -> Iterator[RenderableType]:
    after = recorded.after
    yield _heading(f"On the branch {BRANCH}, {len(recorded.commits)} commits")
    yield from (Text(f"  {subject}") for subject in recorded.commits)
    yield Text(f"  The baseline: {printable(recorded.baseline)}", style="dim")
    yield _heading("Levels, before and after")
    table = _grid()
    before = {area.area: area for area in wanted.inspection.areas}
    for area in after.areas:
        was = before[area.area].level
        style = "green" if area.level > was else ""
        table.add_row(
            f"  {area.area}",
            f"{was} · {LEVELS[was]}",
            Text(f"{area.level} · {LEVELS[area.level]}", style),
        )
    yield table
    yield from _verified(verified)
    yield _heading("Next")
    for number, action in enumerate(after.actions[:_NEXT], 1):
        yield Text(f"  {number}. {printable(action.title)} ({effort(action)})")
    yield Text(
        f"\nUndo it all with `git switch -` and `git branch -D {BRANCH}`; keep it by merging the "
        "branch."
    )


def _heading(words: str) -> Text:
    return Text(f"\n{words}", style="bold")


def _grid() -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    return table
