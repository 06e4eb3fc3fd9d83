"""The contracts' command: python -m guardrails.boundaries --propose | --write.

Exit status: 0 done, 1 there are contracts already, 2 the tree can't be read.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .contracts import FILE, home
from .proposal import propose


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        text = propose(options.root, options.app or ["."])
        if options.propose:
            sys.stdout.write(text)
            return 0
        return _write(options.root, text)
    except OSError as error:
        reason = error.strerror or error
        print(f"boundaries: {error.filename or options.root}: {reason}", file=sys.stderr)
        return 2


def _write(root: Path, text: str) -> int:
    file = root / home(root) / FILE
    if file.exists():
        print(f"{file} is there already and yours; --propose prints what would be proposed today")
        return 1
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    print(f"{file} is written: read it, then record what breaks it today with "
          "`python -m guardrails baseline`")  # fmt: skip
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m guardrails.boundaries", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--propose", action="store_true", help="print the contracts that hold today, or nearly"
    )
    what.add_argument(
        "--write", action="store_true", help=f"write them to {FILE}, unless there are some"
    )
    parser.add_argument(
        "--app", action="append", metavar="FOLDER", help="only the application there; may repeat"
    )
    parser.add_argument("--root", type=Path, default=Path(), help="the tree to look at")
    return parser


if __name__ == "__main__":
    sys.exit(main())
