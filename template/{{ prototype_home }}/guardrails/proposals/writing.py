"""A proposal as a file: what it is for, who gets in before and after, then the statements."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from ..matrix.model import Access
from .model import NARROWS, TITLES, Kind, Tried
from .search import Proposed

UNDECIDED = "undecided"
_WIDTH = 94
_MOST = 40
_README = """\
# Proposed migrations

Each file is a migration that mends one thing in the database. Nothing here was applied to any
database of yours, and nothing here runs by itself. The files are yours: edit or delete them.

Every one of them was tried on a database that was made by replaying your migrations, with rows of
invented people in it: strangers get at less than before, and what the prototype's own pages ask of
the database, run as the person whose row it is, gets as much as before. The head of each file
holds the table. {together}

To use one, read it, then give it the time of now as its version, so that it runs last:

    cp {folder}/NAME.sql {chain}/$(date -u +%Y%m%d%H%M%S)_NAME.sql

Try it on a branch or a local copy (`supabase db reset`) and click through the pages before
`supabase db push`. A page of another app that uses the same database was not looked at.
Afterwards `python -m guardrails.matrix --write` records that less is open.
{unread}
## Ready

{ready}

## Undecided

In `{undecided}/`: what these take away, a page of the prototype uses, or only you can know who is
meant. Each names the place in the code. The mild form of some is among the ready ones.

{open}
"""
_UNREAD = """
{count} queries name their table by a variable and were not run: {places}.
"""


def files(proposed: Proposed, folder: str) -> dict[str, str]:
    """What is to be written, by path below the folder of proposals."""
    found: dict[str, str] = {}
    for tried in proposed.ready:
        found[tried.proposal.file] = text(tried)
    for tried in proposed.undecided:
        found[f"{UNDECIDED}/{tried.proposal.file}"] = text(tried)
    if found:
        found["README.md"] = readme(proposed, folder)
    return found


def write(content: dict[str, str], folder: Path) -> tuple[list[str], list[str]]:
    """What was written, and what was there already with other words, which stays."""
    written, kept = [], []
    for name, text_of in sorted(content.items()):
        path = folder / PurePosixPath(name)
        if path.exists():
            if path.read_text(encoding="utf-8") != text_of:
                kept.append(name)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text_of, encoding="utf-8")
        written.append(name)
    return written, kept


def text(tried: Tried) -> str:
    proposal = tried.proposal
    parts: list[str] = [f"{TITLES[proposal.kind]}: {proposal.subject}", ""]
    for why in proposal.why:
        parts += textwrap.wrap(why, _WIDTH)
    if not tried.ready:
        parts += ["", "NEEDS A DECISION:", *_decisions(tried)]
    parts += ["", "Tried on a replay of the migrations; applied nowhere.", *_table(tried)]
    parts += ["", *textwrap.wrap(_queries(tried), _WIDTH)]
    # No name of the prototype's ends the comment: it may hold a line's end.
    head = "\n".join(f"-- {line}".rstrip() for line in "\n".join(parts).splitlines())
    return f"{head}\n\n" + "\n\n".join(proposal.statements) + "\n"


def _decisions(tried: Tried) -> Iterator[str]:
    for why in filter(None, (tried.proposal.decide, tried.why_not)):
        yield from textwrap.wrap(f"- {why}.", _WIDTH, subsequent_indent="  ")
    for lost in tried.lost[:_MOST]:
        yield from textwrap.wrap(f"- {lost}.", _WIDTH, subsequent_indent="  ")
    if len(tried.lost) > _MOST:
        yield f"- and {len(tried.lost) - _MOST} more."


def _table(tried: Tried) -> Iterator[str]:
    """The seats that this is about: all that were open to a stranger."""
    rows = [
        (f"{door.operation} {door.name}", who, was, tried.after.get((door, who), Access.UNKNOWN))
        for (door, who), was in sorted(tried.before.items())
        if was is not Access.REFUSED or tried.after.get((door, who)) is not was
    ]
    if not rows or not tried.after:
        return
    if tried.proposal.kind not in NARROWS:
        yield "For strangers nothing changes."
        return
    width = max(len(what) for what, *_ in rows)
    own = tried.proposal.kind is Kind.COLUMNS
    yield ""
    yield f"{'of their own' if own else 'of somebody else':{width}}  who     before    after"
    for what, who, was, now in rows:
        yield f"{what:{width}}  {who:7} {was:9} {now}"


def _queries(tried: Tried) -> str:
    if not tried.ran:
        return "No query of the prototype's pages asks for it."
    lost = f"{len(tried.lost)} lose something." if tried.lost else "none loses anything."
    return (
        f"The prototype's own queries, as those who may rightfully make them: {tried.ran} run "
        f"before and after, {lost}"
    )


def readme(proposed: Proposed, folder: str) -> str:
    together = (
        "All that are ready were replayed together, too."
        if proposed.proven
        else "They were NOT all replayed together: apply one at a time."
    )
    unread = proposed.queries.unread
    shown = ", ".join(f"`{place}`" for place in unread[:8])
    return _README.format(
        together=together,
        folder=folder,
        chain=proposed.chain.folder,
        undecided=UNDECIDED,
        unread=_UNREAD.format(count=len(unread), places=shown) if unread else "",
        ready=_listed(proposed.ready, ""),
        open=_listed(proposed.undecided, f"{UNDECIDED}/"),
    )


def _listed(tried: Sequence[Tried], below: str) -> str:
    lines = []
    for kind, title in TITLES.items():
        mine = [one.proposal for one in tried if one.proposal.kind is kind]
        if mine:
            lines.append(f"{title}:\n")
            lines += [f"- [{' '.join(p.subject.split())}]({below}{p.file})" for p in mine]
            lines.append("")
    return "\n".join(lines).strip() or "None."


def slug(folder: str) -> str:
    """A name for what belongs to one chain of several."""
    return re.sub(r"[^a-z0-9]+", "-", folder.lower()).strip("-") or "root"


def counted(tried: Iterable[Tried]) -> dict[str, int]:
    """How many things are mended, by kind."""
    found: dict[str, int] = {}
    for one in tried:
        found[one.proposal.kind] = found.get(one.proposal.kind, 0) + one.proposal.items
    return found
