"""The drill: plant what each guard must stop, in a tree of its own, and see whether it does.

A guard that is delivered and not in force looks just like one that finds nothing.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import yaml

from . import sarif
from .check import recognised
from .guards import HERE, load_guards
from .runner import run_guards
from .tree import walk

PLANTED = ("drill.yaml", "drill.web.yaml")


@dataclass(frozen=True)
class Drilled:
    """What became of one planted fault; `why` is empty when it was found."""

    guard: str
    rule: str
    why: str = ""


def drill() -> list[Drilled]:
    """Plant every fault at once and run every guard."""
    files, expected = _planted()
    with tempfile.TemporaryDirectory(prefix="guardrails-drill-") as folder:
        for name, text in files.items():
            file = Path(folder) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text.replace("<PASSWORD>", token_hex(12)), encoding="utf-8")
        guards = load_guards()
        document = run_guards(recognised(walk(Path(folder))), guards)
    found = {
        run["tool"]["driver"]["name"]: ({f.rule for f in sarif.findings(run)}, run["properties"])
        for run in document["runs"]
    }
    results = []
    for guard in guards:
        rule = expected.get(guard.name)
        if rule is None:
            results.append(Drilled(guard.name, "", "nothing is planted for it"))
            continue
        rules, properties = found[guard.name]
        missed = properties.get("broken") or f"it did not find {rule}"
        results.append(Drilled(guard.name, rule, "" if rule in rules else missed))
    return results


def _planted() -> tuple[dict[str, str], dict[str, str]]:
    """The files to plant, and which rule each guard is to report."""
    files: dict[str, str] = {}
    expected: dict[str, str] = {}
    for name in PLANTED:
        file = HERE / name
        if file.exists():
            content = yaml.safe_load(file.read_text(encoding="utf-8"))
            files |= content["files"]
            expected |= content["expected"]
    return files, expected
