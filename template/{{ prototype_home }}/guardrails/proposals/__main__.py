"""Propose mends for what the database lets strangers do: python -m guardrails.proposals.

Nothing is applied. Exit status: 0 it could look, 2 it could not.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ..engine.tree import walk
from ..gate import NotChecked
from .search import Proposed, search
from .writing import counted, files, slug, write

FOLDER = Path(__file__).parent.parent / "proposed"
NOT_CHECKED = 2


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m guardrails.proposals", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(), help="the tree to look at")
    parser.add_argument(
        "--write",
        type=Path,
        nargs="?",
        const=FOLDER,
        metavar="DIR",
        help="write each into a file (default folder: proposed, beside this package)",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")
    options = parser.parse_args(arguments)
    try:
        found = search(walk(options.root))
    except NotChecked as error:
        # Where the plan of an adoption reads it.
        print(f"proposals: NOT CHECKED: {error}")
        return NOT_CHECKED
    answer = propose(found, options.root, options.write)
    print(json.dumps(answer) if options.format == "json" else told(answer))
    return 0


def propose(found: list[Proposed], root: Path, folder: Path | None) -> dict[str, Any]:
    """Write them, if there is a folder to write to, and say what there is."""
    chains = []
    for one in found:
        place = folder
        if folder is not None and len(found) > 1:
            place = folder / slug(one.chain.folder)
        written, kept = (
            write(files(one, _shown(place, root)), place) if place is not None else ([], [])
        )
        chains.append(_facts(one, written, kept))
    return {"chains": chains, "folder": str(folder) if folder else None}


def _shown(folder: Path, root: Path) -> str:
    full, top = folder.resolve(), root.resolve()
    return full.relative_to(top).as_posix() if full.is_relative_to(top) else folder.name


def _facts(one: Proposed, written: list[str], kept: list[str]) -> dict[str, Any]:
    return {
        "chain": one.chain.folder,
        "ready": [
            {"kind": t.proposal.kind, "name": t.proposal.name, "subject": t.proposal.subject}
            for t in one.ready
        ],
        "undecided": [
            {
                "kind": t.proposal.kind,
                "name": t.proposal.name,
                "subject": t.proposal.subject,
                "why": [*filter(None, (t.proposal.decide, t.why_not)), *map(str, t.lost)],
            }
            for t in one.undecided
        ],
        "counted": {"ready": counted(one.ready), "undecided": counted(one.undecided)},
        "queries": {"run": one.ran, "unread": list(one.queries.unread)},
        "proven_together": one.proven,
        "written": written,
        "kept": kept,
    }


def told(answer: dict[str, Any]) -> str:
    lines: list[str] = []
    for chain in answer["chains"]:
        ready, undecided = chain["ready"], chain["undecided"]
        lines.append(f"{chain['chain']}: {len(ready)} ready, {len(undecided)} need a decision")
        lines += [f"  ready      {one['name']}" for one in ready]
        for one in undecided:
            lines.append(f"  undecided  {one['name']}")
            lines += [f"             {why}" for why in one["why"][:3]]
        lines += [f"  kept       {name} (it differs; delete it to get the new one)"
                  for name in chain["kept"]]  # fmt: skip
    return "\n".join(lines) or "There is no Supabase chain of migrations here."


if __name__ == "__main__":
    sys.exit(main())
