"""Add what belongs into the prototype's own files: python -m guardrails.merges.

Exit status: 0 all is in place, 1 something needs somebody's decision. With --check: 1 something is
missing or was changed. A file that was never added to waits for its decision, and fails nothing.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from . import variables
from .merge import Kind, Merge, State
from .merging import apply, holds_marks, plan, undo
from .targets import load


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.plan:
        return _plan(options.root, options.only)
    if options.check:
        return _check(options.root, plan(options.root, options.only))
    if options.undo:
        return _tell(undo(options.root, options.only), undone=True)
    status = _tell(apply(options.root, options.only))
    _remind(options.root)
    return status


def _plan(root: Path, only: list[str]) -> int:
    merges = [merge.to_json() for merge in plan(root, only)]
    environment = [env.to_json() for env in variables.in_git(root)]
    print(json.dumps({"merges": merges, "environment": environment}, indent=2))
    return 0


def _check(root: Path, merges: list[Merge]) -> int:
    refused = [merge for merge in merges if merge.state is State.REFUSED]
    pending = [merge for merge in merges if merge.pending]
    for merge in (*pending, *refused):
        _say(f"{merge.path}: {merge.reason or _missing(merge)}")
    if pending:
        print("`python -m guardrails.merges` puts it in place; `--plan` shows what that changes.")
    return 1 if pending or any(holds_marks(root, merge.path) for merge in refused) else 0


def _missing(merge: Merge) -> str:
    if merge.kind is Kind.CREATED:
        return "it is missing"
    return "ours is missing" if merge.state is State.NEW else "ours is out of date"


def _tell(merges: list[Merge], *, undone: bool = False) -> int:
    for merge in merges:
        if merge.pending:
            _say(f"{merge.path}: {'taken out' if undone else _done(merge)}")
        elif merge.state is State.REFUSED:
            _say(f"{merge.path}: needs a decision: {merge.reason}", sys.stderr)
    if not any(merge.pending or merge.state is State.REFUSED for merge in merges):
        print("Nothing of ours is in there" if undone else "Everything is in place")
    return 1 if any(merge.state is State.REFUSED for merge in merges) else 0


def _remind(root: Path) -> None:
    """What only their owner does: a pull of that commit takes the files from other clones."""
    if any(target.tracked for target in load().targets):
        for env in variables.in_git(root):
            out = f"git rm --cached {shlex.quote(env.path)}"
            _say(f"{env.path} is in version control: `{out}` takes it out, and it stays here")


def _done(merge: Merge) -> str:
    done = "made" if merge.before is None else "added to"
    if merge.state is State.CHANGED:
        done = "brought up to date"
    return f"{done} ({merge.reason})" if merge.reason else done


def _say(text: str, to: TextIO | None = None) -> None:
    """Names of the prototype's folders may hold what a terminal obeys (CWE-150), or no text."""
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    print(shown, file=to or sys.stdout)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m guardrails.merges", description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="say what is missing; write nothing")
    what.add_argument("--plan", action="store_true", help="print what would be done, as JSON")
    what.add_argument("--undo", action="store_true", help="take everything out again")
    parser.add_argument("--root", type=Path, default=Path(), help="the repository's folder")
    parser.add_argument(
        "--only", action="append", default=[], metavar="PATH", help="this file alone"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
