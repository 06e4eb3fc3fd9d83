"""How a guard is a command: `python -m guardrails.guards.NAME --root DIR`, SARIF on its output.

The runner calls a guard of ours in a fork of itself, without a command line (see runner.py).
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..gate import NotChecked
from . import sarif
from .copies import told_once
from .finding import Finding, NotLooked
from .rules import load
from .tree import Tree, walk


@dataclass(frozen=True)
class Looked:
    """What a guard found, what it could not look at, and what it learned on the way.

    `facts` goes to the report beside the findings (JSON values): the access matrix, a route
    table, a map of modules.
    """

    findings: Iterable[Finding]
    not_looked: Iterable[NotLooked] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def main(name: str, look: Callable[[Tree], Looked]) -> int:
    """Parse the guard's command line, look, print SARIF. The exit status is 0 unless it crashed:
    what its findings mean is for the ratchet to say."""
    parser = argparse.ArgumentParser(prog=f"python -m guardrails.guards.{name}")
    parser.add_argument("--root", type=Path, default=Path(), help="the tree to look at")
    parser.add_argument("--inventory", type=Path, help="its inventory, when it was walked already")
    options = parser.parse_args()
    tree = Tree.load(options.inventory) if options.inventory else walk(options.root)
    sys.stdout.write(printed(examine(name, tree, look)))
    return 0


def printed(run: Mapping[str, Any]) -> str:
    """The document of one run. In one piece: by pieces, the encoder is not C's."""
    return json.dumps(sarif.document(run))


def examine(name: str, tree: Tree, look: Callable[[Tree], Looked]) -> dict[str, Any]:
    """Run the guard on the tree: its SARIF run, narrowed to the tree's selected files."""
    mine = [rule for rule in load().values() if name in rule.guards]
    try:
        looked = look(tree)
    except NotChecked as reason:
        return broken(name, str(reason))
    found = [
        finding
        for finding in looked.findings
        if tree.selected is None or finding.place.path in tree.selected
    ]
    told = told_once(tree, found)
    return sarif.run(name, mine, told, not_looked=looked.not_looked, properties=looked.facts)


def broken(guard: str, why: str) -> dict[str, Any]:
    """The run of a guard that could not look."""
    rules = [rule for rule in load().values() if guard in rule.guards]
    missing = NotLooked(guard, why, tuple(rule.id for rule in rules))
    return sarif.run(guard, rules, [], not_looked=[missing], properties={"broken": why})
