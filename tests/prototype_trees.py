"""The prototypes that the tests adopt, laid out as their builders leave them: with the usual mess.

What must not stand in this repository is added on the way: a tracked `.env`, committed junk, a
second lock file, line ends of Windows and a last line without an end.
"""

import base64
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stamping import ROOT, commit_all, git

TREES = ROOT / "tests" / "prototypes"


@dataclass(frozen=True)
class Prototype:
    """A tree, and the answers that fit it."""

    name: str
    kind: str
    manager: str
    adapter: str = "http"
    app: str = "."
    entry: str = ""
    database: str = "none"
    environment: tuple[str, ...] = ()
    junk: tuple[str, ...] = ()

    @property
    def answers(self) -> dict[str, str]:
        names = ("kind", "manager", "adapter", "app", "entry", "database")
        return {name: getattr(self, name) for name in names}


def _anonymous_key() -> str:
    """A key of the role anon, which is public by design; joined, so that no scanner sees one."""
    parts = ({"alg": "HS256", "typ": "JWT"}, {"role": "anon", "ref": "abcdefghijklmnop"})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join([*(part.rstrip("=") for part in encoded), "c2lnbmF0dXJl"])


def _joined(*parts: str) -> str:
    return "".join(parts)


_SUPABASE = "https://abcdefghijklmnop.supabase.co"
_ALL = (
    Prototype(
        "corner-shop",
        "supabase",
        "npm",
        database="supabase",
        environment=(
            f"VITE_SUPABASE_URL={_SUPABASE}",
            f"VITE_SUPABASE_PUBLISHABLE_KEY={_anonymous_key()}",
        ),
        junk=("bun.lockb", "package-lock.json", ".DS_Store"),
    ),
    Prototype(
        "allotment",
        "nextjs",
        "npm",
        database="supabase",
        environment=(
            f"NEXT_PUBLIC_SUPABASE_URL={_SUPABASE}",
            f"NEXT_PUBLIC_SUPABASE_ANON_KEY={_anonymous_key()}",
            # The build makes clients with these.
            _joined("SUPABASE_SERVICE_ROLE_", "KEY=placeholder"),
            _joined("STRIPE_SECRET_", "KEY=placeholder"),
        ),
        junk=(".next/trace",),
    ),
    Prototype(
        "van-hire",
        "node",
        "npm",
        database="postgresql",
        environment=("PORT=3000", _joined("JWT_SEC", "RET=vans-for-all")),
        junk=("node_modules/.package-lock.json",),
    ),
    Prototype(
        "tutoring",
        "fastapi",
        "pip",
        adapter="asgi",
        entry="app.main:app",
        database="sqlite",
        environment=(_joined("SECRET_", "KEY=lessons-for-life"),),
        junk=("tutoring.db", "app/__pycache__/main.cpython-312.pyc"),
    ),
    Prototype(
        "bike-repair",
        "flask",
        "pip",
        adapter="wsgi",
        entry="app:app",
        database="sqlite",
        junk=("__pycache__/app.cpython-312.pyc", "repair.db"),
    ),
    Prototype("tide-table", "streamlit", "pip", junk=("venv/pyvenv.cfg",)),
    Prototype(
        "seed-library",
        "flask",
        "poetry",
        adapter="wsgi",
        entry="seeds.app:app",
        database="sqlite",
        junk=("requirements.txt",),
    ),
    Prototype(
        "choir",
        "fastapi",
        "pip",
        app="backend",
        entry="main:app",
        database="sqlite",
        environment=("PORT=8000", "CHOIR_KEY="),
        junk=("frontend/bun.lock", "SUMMARY.md", "FIXES_APPLIED.md", "FINAL_FIXES.md"),
    ),
)
PROTOTYPES = {prototype.name: prototype for prototype in _ALL}


def lay_out(name: str, folder: Path, *, mess: bool = True) -> Path:
    """Copy a prototype into a new folder, and commit it on the branch `main`."""
    prototype = PROTOTYPES[name]
    shutil.copytree(TREES / name, folder, symlinks=True)
    if mess:
        _add_mess(prototype, folder)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "config", "core.autocrlf", "false")
    git(folder, "add", "--all", "--force")
    commit_all(folder, "Changes")
    return folder


def _add_mess(prototype: Prototype, folder: Path) -> None:
    for name in prototype.junk:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_JUNK.get(file.name, b"\x00junk\x00\n"))
    if prototype.environment:
        # Tracked, although .gitignore may name it: it was committed before the line was added.
        (folder / ".env").write_text("\n".join(prototype.environment) + "\n", encoding="utf-8")
    for name, change in _AWKWARD.get(prototype.name, {}).items():
        file = folder / name
        file.write_bytes(change(file.read_bytes()))


def _of_windows(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _without_last_end(content: bytes) -> bytes:
    return content.rstrip(b"\n")


_AWKWARD: dict[str, dict[str, Callable[[bytes], bytes]]] = {
    "choir": {
        "notes/rota.csv": _of_windows,
        "CLAUDE.md": _of_windows,
        ".env.example": _without_last_end,
        ".gitignore": _without_last_end,
    },
    "bike-repair": {".gitignore": _of_windows},
    "van-hire": {"package.json": _without_last_end},
}
_JUNK = {
    "repair.db": b"",
    "tutoring.db": b"",
    "bun.lock": b'{ "lockfileVersion": 1, "workspaces": { "": { "name": "vite-project" } } }\n',
    # Of before the other packages came, with bun.
    "package-lock.json": b'{ "name": "shop", "lockfileVersion": 3, "packages": {} }\n',
    "pyvenv.cfg": b"home = /usr/bin\nversion = 3.12.4\n",
    "requirements.txt": b"Flask==2.3.3\n",
    ".package-lock.json": b'{ "name": "van-hire", "lockfileVersion": 3, "packages": {} }\n',
    "SUMMARY.md": b"# All done!\n\nEverything works now.\n",
    "FIXES_APPLIED.md": b"# Fixes applied\n\nThe rota no longer crashes.\n",
    "FINAL_FIXES.md": b"# Final fixes\n\nThis time for good.\n",
}
