"""The guard of Python's own faults: ruff's findings that matter here, under the rules' ids."""

import ast
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .. import gate
from ..engine.finding import Finding, NotLooked, Place, Severity
from ..engine.guard import Looked, main
from ..engine.rules import load
from ..engine.tree import Tree
from .filenames import is_test
from .python.facts.modules import Module, is_script, read
from .python.facts.pickles import kept_by_the_program

_BATCH = 500
_LONGEST_SNIPPET = 160


def look(tree: Tree) -> Looked:
    """Raises NotChecked: ruff is not installed, or said nothing that can be read."""
    rule_of = {code: rule.id for rule in load().values() for code in rule.ruff}
    project, missed = read(tree)
    names = {module.path: module for module in project.service}
    names |= {module.path: module for module in project.modules if module.is_web or _starts(module)}
    served = [path for path in sorted(names) if not (is_test(path) or is_script(path))]
    paths = [path for path in served if _can_be_named(path)]
    missed += [
        NotLooked(path, "its name can't be given to ruff")
        for path in served
        if not _can_be_named(path)
    ]
    findings = [
        finding
        for at in range(0, len(paths), _BATCH)
        for finding in _findings(tree, paths[at : at + _BATCH], rule_of, names)
    ]
    return Looked(findings, missed)


_APPLICATION = {"app", "application", "asgi", "wsgi"}


def _starts(module: Module) -> bool:
    """`application = create_app()`: a server is told to run what stands there."""
    return any(
        isinstance(one, ast.Assign)
        and isinstance(one.value, ast.Call)
        and any(isinstance(it, ast.Name) and it.id in _APPLICATION for it in one.targets)
        for one in module.tree.body
    )


def _can_be_named(path: str) -> bool:
    return not path.startswith("-") and path.isprintable()


def _findings(
    tree: Tree,
    paths: Sequence[str],
    rule_of: Mapping[str, str],
    modules: Mapping[str, Module],
) -> Iterator[Finding]:
    options = ["--isolated", "--no-cache", "--no-fix", "--exit-zero", "--quiet", "--ignore-noqa"]
    selected = ["--output-format", "json", "--select", ",".join(sorted(rule_of))]
    files = [str(tree.root / path) for path in paths]
    done = gate.run(["ruff", "check", *options, *selected, "--no-force-exclude", "--", *files])
    for entry in _entries(done.stdout, done.stderr):
        path = str(entry["filename"]).removeprefix(f"{tree.root}/")
        rule, line = rule_of.get(str(entry.get("code"))), int(entry["location"]["row"])
        module = modules.get(path)
        if rule is None or module is None or line > len(module.lines):
            continue
        place = Place(path, line, snippet=module.lines[line - 1].strip()[:_LONGEST_SNIPPET])
        message = f"{entry['message']} ({entry['code']}).".replace("..", ".")
        own = entry["code"] == "S301" and kept_by_the_program(module, line)
        yield Finding(rule, place, message, Severity.MEDIUM if own else None)


def _entries(output: str, errors: str) -> list[Mapping[str, Any]]:
    try:
        entries = json.loads(output or "[]")
    except ValueError:
        entries = None
    if not isinstance(entries, list) or (not output and errors):
        raise gate.NotChecked(f"ruff could not look: {errors.strip()[-200:]}")
    return [entry for entry in entries if entry.get("location") and entry.get("filename")]


if __name__ == "__main__":
    sys.exit(main("lint", look))
