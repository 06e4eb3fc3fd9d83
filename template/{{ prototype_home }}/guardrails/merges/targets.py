"""Which files are added to, and what: `targets.toml` and the texts in `blocks/`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


class Form(StrEnum):
    LINES = "lines"
    LIST = "list"
    SCRIPTS = "scripts"
    VARIABLES = "variables"


@dataclass(frozen=True)
class Target:
    """What goes into the first of the paths that exists (`every`: into each), else into `made`.

    `key` is the list to which the items belong; `html`: marks are HTML comments; `tracked`: the
    names in env files that git tracks go in too; `stage`: one that its pipeline must have; `tool`:
    whose file it is, so that one is made only where that is used.
    """

    block: str
    paths: tuple[str, ...]
    form: Form = Form.LINES
    made: str = ""
    every: bool = False
    html: bool = False
    tracked: bool = False
    key: str = ""
    tool: str = ""
    stage: str = ""
    guardrail: str = ""
    text: str = ""


@dataclass(frozen=True)
class Left:
    """Files that are never touched, and why not."""

    globs: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Targets:
    targets: tuple[Target, ...]
    left: tuple[Left, ...]


@cache
def load(folder: Path = _HERE) -> Targets:
    content = tomllib.loads((folder / "targets.toml").read_text(encoding="utf-8"))
    return Targets(
        tuple(_target(entry, folder) for entry in content["target"]),
        tuple(Left(tuple(entry["globs"]), entry["reason"]) for entry in content["left"]),
    )


def _target(entry: Mapping[str, Any], folder: Path) -> Target:
    text = (folder / "blocks" / entry["block"]).read_text(encoding="utf-8")
    changes = {"paths": tuple(entry["paths"]), "form": Form(entry.get("form", "lines"))}
    text = text.strip("\n")
    # Prettier puts an empty line after a comment, and the block would count as changed by hand.
    return Target(**{**entry, **changes, "text": f"\n{text}" if entry.get("html") else text})
