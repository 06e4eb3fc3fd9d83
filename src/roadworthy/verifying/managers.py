"""A package manager that is not on this machine is fetched for as long as a verification takes.

Who builds in a browser has the lock file of pnpm or bun in the tree, and often none of them here.
"""

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PLACE = "{manager}"
"""Stands in a command for the folder that it is installed below; `bin` in it is on the PATH."""
_VERSION = re.compile(r"\d{1,4}(?:\.\d{1,6}){0,2}(?:-[\w.]{1,40})?")
"""Of a release, and of nothing else that npm would take from a manifest: a file, an address."""
_BY_LOCK = {"5": "7", "6": "8", "9": "10"}
"""Which pnpm reads a lock file, by the major version of its format."""
_ONCE_MORE = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000")
"""Nobody waits for a minute to hear that there is no network."""
_PNPM, _YARN, _BUN = "10", "1", "1"


@dataclass(frozen=True)
class Supply:
    """`name` is what people call it; `argv` installs it."""

    name: str
    argv: Sequence[str]

    @property
    def program(self) -> str:
        return self.argv[0]


def supply_of(program: str, folder: Path) -> Supply | None:
    """How it is come by, in the version that the app in `folder` asks for; None for other programs.

    bun's package is finished by its script; what else is fetched runs none.
    """
    if program == "poetry":
        return Supply(
            "poetry 2", ("uv", "tool", "install", "--python", sys.executable, "poetry>=2,<3")
        )
    versions = {"pnpm": _pnpm, "yarn": _yarn, "bun": _bun, "bunx": _bun}
    if program not in versions:
        return None
    package = versions[program](folder)
    scripts = () if package.startswith("bun@") else ("--ignore-scripts",)
    argv = ("npm", "install", *_ONCE_MORE, "--global", "--prefix", PLACE, *scripts, package)
    return Supply(package, argv)


def _pnpm(folder: Path) -> str:
    found = re.match(r"lockfileVersion:\s*['\"]?(\d+)", _text(folder / "pnpm-lock.yaml"))
    fitting = _BY_LOCK.get(found[1], _PNPM) if found else _PNPM
    return f"pnpm@{_declared(folder, 'pnpm') or fitting}"


def _yarn(folder: Path) -> str:
    """Yarn 1 runs the newer one that a project brings; where it brings none, that is fetched."""
    declared = _declared(folder, "yarn")
    settings = folder / ".yarnrc.yml"
    if declared.startswith("1.") or not (declared or settings.is_file()):
        return f"yarn@{declared or _YARN}"
    if re.search(r"^yarnPath:", _text(settings), re.MULTILINE):
        return f"yarn@{_YARN}"
    return f"@yarnpkg/cli-dist@{declared or '4'}"


def _bun(folder: Path) -> str:
    return f"bun@{_declared(folder, 'bun') or _BUN}"


def _declared(folder: Path, manager: str) -> str:
    """The version that `packageManager` names, as `pnpm@9.1.0+sha512.…`; "" if none."""
    try:
        said = json.loads(_text(folder / "package.json"))["packageManager"]
    except (ValueError, KeyError, TypeError):
        return ""
    name, _, version = str(said).partition("@")
    version = version.partition("+")[0]
    return version if name == manager and _VERSION.fullmatch(version) else ""


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return ""
