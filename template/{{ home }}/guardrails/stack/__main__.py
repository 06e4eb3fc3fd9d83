"""`python -m guardrails.stack --root DIR`: the stack as JSON."""

import argparse
import json
import sys
from pathlib import Path

from ..engine.tree import Tree, walk
from . import recognise


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m guardrails.stack")
    parser.add_argument("--root", type=Path, default=Path(), help="the tree to look at")
    parser.add_argument("--inventory", type=Path, help="its inventory, when it was walked already")
    options = parser.parse_args()
    tree = Tree.load(options.inventory) if options.inventory else walk(options.root)
    json.dump(recognise(tree), sys.stdout, indent=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
