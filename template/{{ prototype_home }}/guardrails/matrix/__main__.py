"""Hold the migrations to the recorded access matrix, or record it: python -m guardrails.matrix.

Exit status: 0 nothing is worse, 1 something to mend or to have reviewed, 2 it could not be seen.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from ..engine.tree import walk
from ..gate import NotChecked
from .collect import look
from .compare import Verdict, compare
from .lockfile import NAME, Unreadable, parse, render
from .model import Recorded, Seen, recorded

HOME = Path(__file__).parent.parent
NOT_CHECKED = 2


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m guardrails.matrix", description=__doc__)
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="compare with the file (the default)")
    action.add_argument("--write", action="store_true", help="record what there is now")
    parser.add_argument("--root", type=Path, default=Path(), help="the tree to look at")
    parser.add_argument("--lock", type=Path, default=HOME / NAME, help="the reviewed file")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    options = parser.parse_args(arguments)
    try:
        if options.write:
            return write(options.root, options.lock)
        verdict = check(options.root, options.lock)
    except (NotChecked, Unreadable) as error:
        # The plan of an adoption reads what is said of a first look.
        to = sys.stdout if options.write else sys.stderr
        print(f"matrix: NOT CHECKED: {error}", file=to)
        return NOT_CHECKED
    print(json.dumps(asdict(verdict)) if options.format == "json" else told(verdict))
    return status_of(verdict)


def write(root: Path, lock: Path) -> int:
    seen = look(walk(root))
    lock.write_text(render({folder: recorded(one) for folder, one in seen.items()}), "utf-8")
    for line in _unseen(seen):
        print(f"not looked at: {line}")
    doors = sum(len(one.cells) for one in seen.values())
    print(f"Wrote {doors:,} lines of access and {_faults(seen):,} known faults to {lock.name}.")
    return 0


def check(root: Path, lock: Path) -> Verdict:
    """What is worse than recorded, what could not be seen, and what is better.

    Raises:
        NotChecked: nothing is recorded yet, or the database can't be made.
        Unreadable: the file is broken.
    """
    if not lock.exists():
        raise NotChecked(f"there is no {lock}; run `python -m guardrails.matrix --write` once")
    known = parse(lock.read_text(encoding="utf-8"))
    verdict = Verdict()
    seen = look(walk(root))
    for folder, one in sorted(seen.items()):
        found = compare(known.get(folder, Recorded()), one)
        verdict.worse += found.worse
        verdict.unseen += found.unseen
        verdict.better += found.better
    verdict.better += [f"{folder} is no more." for folder in sorted(set(known) - set(seen))]
    return verdict


def status_of(verdict: Verdict) -> int:
    return 1 if verdict.worse else NOT_CHECKED if verdict.unseen else 0


def told(verdict: Verdict) -> str:
    lines = [*verdict.worse, *(f"NOT CHECKED: {line}" for line in verdict.unseen)]
    if verdict.better:
        lines += verdict.better
        lines.append("Less is open than recorded: run `python -m guardrails.matrix --write`.")
    lines.append(f"matrix: {len(verdict.worse)} to mend" if verdict.worse else "matrix: no wider")
    return "\n".join(lines)


def _unseen(seen: Mapping[str, Seen]) -> list[str]:
    return [line for one in seen.values() for line in one.unseen]


def _faults(seen: Mapping[str, Seen]) -> int:
    failing = sum(len(faults) for one in seen.values() for faults in one.failing.values())
    return failing + sum(len(faults) for one in seen.values() for faults in one.locking.values())


if __name__ == "__main__":
    sys.exit(main())
