"""What a package.json says that can be run, and how its package manager runs it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .commands import AppChecks, Command, Otherwise
from .versions import asked

_LOCKS = {
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
    "pnpm-lock.yaml": "pnpm",
    "yarn.lock": "yarn",
    "bun.lock": "bun",
    "bun.lockb": "bun",
}
"""In this order: Lovable leaves bun's beside npm's, and says `npm i`."""
_INSTALL = {
    ("npm", True): "npm ci --ignore-scripts",
    ("npm", False): "npm install --ignore-scripts --no-save",
    ("pnpm", True): "pnpm install --frozen-lockfile --ignore-scripts",
    ("pnpm", False): "pnpm install --ignore-scripts",
    ("yarn", True): "yarn install --frozen-lockfile --ignore-scripts",
    ("yarn", False): "yarn install --ignore-scripts",
    ("berry", True): "yarn install --immutable --mode=skip-build",
    ("berry", False): "yarn install --mode=skip-build",
    ("bun", True): "bun install --frozen-lockfile --ignore-scripts",
    ("bun", False): "bun install --ignore-scripts",
}
_UNFIT = ("EUSAGE", "ERR_PNPM_OUTDATED_LOCKFILE", "needs to be updated", "YN0028", "lockfile had")
"""What the managers say of a lock file that no longer fits package.json: often so, where a builder
changes one with another manager."""
_EXECUTE = {"npm": "npx --no-install", "pnpm": "pnpm exec", "yarn": "yarn run", "bun": "bunx"}
_NO_TESTS = "no test specified"
_DEFAULT_VERSION = 24


def manager_of(folder: Path) -> str:
    """Whose lock file is there; of several, or of none, whom package.json names. Else it is npm.

    A generator names a manager in every package.json, and the lock file shows who is used.
    """
    declared = str(_manifest(folder).get("packageManager", "")).partition("@")[0]
    locked = [name for lock, name in _LOCKS.items() if (folder / lock).is_file()]
    if declared in _EXECUTE and (declared in locked or not locked):
        return declared
    return next(iter(locked), "npm")


def checks(tree: Path, app: str, manager: str) -> AppChecks:
    folder = tree / app
    root = _install_root(tree, folder)
    manager = manager if manager in _EXECUTE else manager_of(root)
    commands = [_install(tree, root, manager)]
    scripts = _manifest(folder).get("scripts")
    scripts = scripts if isinstance(scripts, dict) else {}
    if generating := _generate(folder, root, manager, scripts):
        commands.append(_command("generate", generating, app))
    if "build" in scripts:
        commands.append(_command("build", f"{manager} run build", app, seconds=900))
    if types := _types(folder, root):
        commands.append(_command("types", f"{_EXECUTE[manager]} {types}", app, seconds=900))
    if "test" in scripts and _NO_TESTS not in str(scripts["test"]):
        commands.append(_command("tests", f"{manager} run test", app, seconds=600))
    wanted = asked(tree, app)
    version = wanted.major(_DEFAULT_VERSION) if wanted else _DEFAULT_VERSION
    return AppChecks(app, "node", manager, str(version), tuple(commands), wanted)


def _command(name: str, told: str, app: str, *, seconds: float = 300) -> Command:
    return Command(name, tuple(told.split()), told, app, seconds=seconds)


def _install(tree: Path, root: Path, manager: str) -> Command:
    locked = any(
        owner == manager and (root / lock).is_file() and not _is_left_over(root / lock)
        for lock, owner in _LOCKS.items()
    )
    kind = "berry" if manager == "yarn" and (root / ".yarnrc.yml").is_file() else manager
    told = _INSTALL[kind, locked]
    folder = root.relative_to(tree).as_posix()
    loose = _INSTALL[kind, False]
    return Command(
        "install",
        tuple(told.split()),
        told,
        folder,
        installs=True,
        seconds=600,
        otherwise=Otherwise(_UNFIT, tuple(loose.split()), loose) if locked else None,
    )


def _is_left_over(lock: Path) -> bool:
    """An npm lock file that doesn't know what package.json asks for: `npm ci` refuses it."""
    if lock.name not in {"package-lock.json", "npm-shrinkwrap.json"}:
        return False
    known = _read(lock).get("packages")
    known = known.get("", {}) if isinstance(known, dict) else {}
    asked = _manifest(lock.parent)
    return any(
        (asked.get(kind) or {}) != (known.get(kind) or {})
        for kind in ("dependencies", "devDependencies")
    )


def _install_root(tree: Path, folder: Path) -> Path:
    """Of a workspace, where the lock file is."""
    if any((folder / lock).is_file() for lock in _LOCKS):
        return folder
    for parent in folder.parents:
        if not parent.is_relative_to(tree):
            break
        if "workspaces" in _manifest(parent) or (parent / "pnpm-workspace.yaml").is_file():
            return parent
    return folder


def _generate(folder: Path, root: Path, manager: str, scripts: Mapping[str, Any]) -> str:
    """What makes the code that the app's own code imports, where installing would have: packages
    are installed without their scripts, and without Prisma's there is no client.
    """
    if "postinstall" in scripts:
        return f"{manager} run postinstall"
    schemas = [*folder.glob("prisma/*.prisma"), *folder.glob("prisma/schema/*.prisma")]
    if not schemas or "prisma" not in _packages(folder) | _packages(root):
        return ""
    if "prisma generate" in f"{scripts.get('prebuild')} {scripts.get('build')}":
        return ""
    return f"{_EXECUTE[manager]} prisma generate"


def _types(folder: Path, root: Path) -> str:
    """The command that really looks: `tsc --noEmit` looks at no file of a solution."""
    config = folder / "tsconfig.json"
    packages = _packages(folder) | _packages(root)
    program = "vue-tsc" if "vue-tsc" in packages else "tsc"
    if not config.is_file() or not packages & {"typescript", "vue-tsc"}:
        return ""
    text = config.read_text(encoding="utf-8-sig", errors="replace")
    text = re.sub(r"/\*.*?\*/|^\s*//.*?$", "", text, flags=re.DOTALL | re.MULTILINE)
    if re.search(r'"references"\s*:\s*\[\s*\{', text):
        return f"{program} -b"
    return f"{program} --noEmit -p ."


def _packages(folder: Path) -> set[str]:
    manifest = _manifest(folder)
    found: set[str] = set()
    for kind in ("dependencies", "devDependencies"):
        asked = manifest.get(kind)
        found |= set(asked) if isinstance(asked, dict) else set()
    return found


def _manifest(folder: Path) -> dict[str, Any]:
    return _read(folder / "package.json")


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
