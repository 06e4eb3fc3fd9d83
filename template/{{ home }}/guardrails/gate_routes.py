"""The routes of the prototype for `gate --check`: python -m guardrails.gate_routes [--root DIR].

Prints JSON: each method and path as gate.toml would write it, with the line that serves it.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .engine.tree import walk
from .guards.python import look as look_at_python
from .guards.routes.__main__ import look as look_at_servers

_EVERY_METHOD = {"ANY", "ALL"}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m guardrails.gate_routes", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(), help="the tree to look at")
    parser.add_argument("--app", default=".", help="only this folder of it")
    parser.add_argument("--without", default="", help="not this one: the service's own")
    options = parser.parse_args(arguments)
    routes = [
        route
        for route in _routes(options.root)
        if _is_in(route["file"], options.app)
        and not (options.without and _is_in(route["file"], options.without))
    ]
    json.dump({"routes": routes}, sys.stdout, indent=1)
    print()
    return 0


def _is_in(path: str, folder: str) -> bool:
    return folder == "." or path.startswith(f"{folder.strip('/')}/")


def _routes(root: Path) -> Iterator[dict[str, Any]]:
    tree = walk(root)
    facts = {**look_at_servers(tree).facts, **look_at_python(tree).facts}
    for row in (*facts["routes"], *facts["python_routes"]):
        if row.get("served", True) and row["why"] != "not mounted":
            yield from _lines(row)


def _lines(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    method = "*" if row["method"] in _EVERY_METHOD else row["method"]
    for pattern in row["patterns"]:
        yield {"method": method, "pattern": pattern, "file": row["file"], "line": row["line"]}


if __name__ == "__main__":
    sys.exit(main())
