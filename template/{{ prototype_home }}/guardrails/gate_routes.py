"""The routes of the prototype for `gate --check`: python -m guardrails.gate_routes [--root DIR].

Prints JSON: each method and path as gate.toml would write it, with the line of code that serves
it; and other paths that may have a line there.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .engine.tree import walk
from .guards.python import look as look_at_python
from .guards.routes import look as look_at_servers

Facts = Mapping[str, Any]

_EVERY_METHOD = {"ANY", "ALL"}
_OTHERS = ("/", "/favicon.ico", "/robots.txt", "/_stcore/**")
_SUPABASE = ("auth", "rest", "graphql", "storage", "realtime")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m guardrails.gate_routes", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(), help="the tree to look at")
    parser.add_argument("--app", default=".", help="only this folder of it")
    parser.add_argument("--without", default="", help="not this one: the service's own")
    parser.add_argument("--supabase-at", default="", help="where the facade has Supabase")
    options = parser.parse_args(arguments)
    tree = walk(options.root)
    facts = {**look_at_servers(tree).facts, **look_at_python(tree).facts}
    seen = {
        "routes": list(_routes(facts, options)),
        "others": sorted({*_OTHERS, *_others(facts, options)}),
    }
    json.dump(seen, sys.stdout, indent=1)
    print()
    return 0


def _routes(facts: Facts, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for row in (*facts["routes"], *facts["python_routes"]):
        is_served = row.get("served", True) and row["why"] != "not mounted"
        if row["kind"] == "edge":
            if options.supabase_at:
                yield from _lines(row, options.supabase_at)
        elif is_served and _is_of(row["file"], options):
            yield from _lines(row)


def _lines(row: Mapping[str, Any], at: str = "") -> Iterator[dict[str, Any]]:
    any_method = row["method"] in _EVERY_METHOD or row["kind"] == "procedure"
    method = "*" if any_method else row["method"]
    for pattern in row["patterns"]:
        place = {"file": row["file"], "line": row["line"]}
        yield {"method": method, "pattern": at + pattern, **place}


def _others(facts: Facts, options: argparse.Namespace) -> Iterator[str]:
    """What may have a line and needs none: pages, files, and Supabase's own services."""
    for row in facts["pages"]:
        if _is_of(row["file"], options):
            yield from row["patterns"]
    yield from (row["pattern"] for row in facts["public_files"])
    if options.supabase_at:
        yield from (f"{options.supabase_at}/{name}/**" for name in _SUPABASE)


def _is_of(path: str, options: argparse.Namespace) -> bool:
    left_out = options.without and _is_in(path, options.without)
    return _is_in(path, options.app) and not left_out


def _is_in(path: str, folder: str) -> bool:
    return folder == "." or path.startswith(f"{folder.strip('/')}/")


if __name__ == "__main__":
    sys.exit(main())
