"""The size ceiling: a module that grows past it wants to be two."""

import sys
from pathlib import Path

CEILING = 400
ROOTS = ("src", "tests", "guardrails")


def main() -> int:
    """Exit status 1 when a Python file has more lines than the ceiling."""
    over = [
        (path, lines)
        for root in ROOTS
        for path in sorted(Path(root).rglob("*.py"))
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > CEILING
    ]
    for path, lines in over:
        print(f"{path}: {lines} lines, the ceiling is {CEILING}. Split it by what it is about.")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
