"""Which of the ways that prototypes have of making their schema a tree uses."""

import ast
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .model import Way

_PRUNED = frozenset(
    {
        *("node_modules", ".git", ".venv", "venv", "env", "site-packages", "__pycache__", ".next"),
        *("dist", "build", "guardrails", "tests", "test", "__tests__", "archive", "old"),
    }
)
_MOST = 1_000_000
_TABLE = re.compile(r"\bcreate\s+table\b", re.IGNORECASE)
_ORM = re.compile(r"^\s*(?:from|import)\s+(?:sqlalchemy|sqlmodel|flask_sqlalchemy)\b", re.MULTILINE)
_DECLARES = re.compile(
    r"^\s*class\s+\w+\([^)]*\b(?:Base|Model|SQLModel|DeclarativeBase)\b[^)]*\)\s*:|=\s*Table\(\s*[\"']",
    re.MULTILINE,
)
_PRISMA = "npx prisma migrate diff --from-empty --to-schema-datamodel {path} --script"
DRIZZLE = "npx drizzle-kit generate --name baseline"
_STEP = re.compile(
    r"\bimplements\s+MigrationInterface\b|\bexports\.up\s*="
    r"|\bexport\s+(?:async\s+)?function\s+up\s*\("
)
_CODE = (".py", ".js", ".ts", ".mjs", ".cjs")


def way_of(root: Path, app: str, ours: tuple[str, ...] = ()) -> Way:
    """Look at the app's own files, and at no installed package."""
    return _Tree(root, root / app, ours).way()


@dataclass(frozen=True)
class _Tree:
    root: Path
    top: Path
    ours: tuple[str, ...]

    def way(self) -> Way:
        files = sorted(self._files())
        if present := _migrations(files):
            return Way(present=present)
        texts = {path: _text(self.root / path) for path in files if path.endswith(_CODE)}
        if present := next((path for path in texts if _is_step(path, texts[path])), ""):
            return Way(present=present.rpartition("/")[0])
        models = tuple(self._module(path) for path, text in texts.items() if _is_models(path, text))
        if models:
            return Way(models=models)
        if command := self._orm_command(files, texts):
            return Way(command=command)
        scripts = tuple(
            path
            for path in sorted(files, key=_by_hand)
            if path.endswith(".sql") and _is_schema(self.root / path)
        )
        literals = tuple(path for path, text in texts.items() if _TABLE.search(text))
        return Way(scripts=scripts, literals=() if scripts else literals)

    def _files(self) -> Iterator[str]:
        for folder, folders, names in os.walk(self.top):
            folders[:] = sorted(
                name
                for name in folders
                if name not in _PRUNED and self._is_theirs(Path(folder, name))
            )
            for name in names:
                path = Path(folder, name)
                if not path.is_symlink():
                    yield path.relative_to(self.root).as_posix()

    def _is_theirs(self, folder: Path) -> bool:
        ours = folder.relative_to(self.root).as_posix() in self.ours
        return not ours and not (folder / "pyvenv.cfg").exists()

    def _module(self, path: str) -> str:
        """Its dotted name, seen from the app's folder."""
        inside = (self.root / path).relative_to(self.top).with_suffix("")
        parts = inside.parts[:-1] if inside.name == "__init__" else inside.parts
        return ".".join(parts)

    def _orm_command(self, files: list[str], texts: dict[str, str]) -> str:
        prisma = next((path for path in files if path.endswith("schema.prisma")), "")
        if prisma:
            return _PRISMA.format(path=prisma)
        if any("drizzle-orm/" in text and "Table(" in text for text in texts.values()):
            return DRIZZLE
        return ""


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _migrations(files: list[str]) -> str:
    """The folder of a chain that is there already."""
    known = re.compile(
        r"^(?P<folder>(?:.*/)?(?:versions|migrations?|drizzle))/[^/]*\.(?:py|sql|js|ts|mjs|cjs)$"
        r"|^(?P<kept>.*)/(?:meta/_journal\.json|[^/]+/migration\.sql)$"
    )
    for path in files:
        found = known.match(path)
        if not found or path.endswith("/__init__.py"):
            continue
        folder = found["folder"] or found["kept"]
        parent = folder.rpartition("/")[0]
        alembic = f"{parent}/env.py".lstrip("/") in files
        if not folder.endswith("versions") or alembic:
            return folder
    return ""


def _is_step(path: str, text: str) -> bool:
    """A migration in code, in a folder of any name."""
    return re.search(r"\d{3}[^/]*\.[cm]?[jt]s$", path) is not None and bool(_STEP.search(text))


def _is_models(path: str, text: str) -> bool:
    if not path.endswith(".py") or not _DECLARES.search(text):
        return False
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return _ORM.search(text) is not None or "db.Model" in text or "Base" in text


def _by_hand(path: str) -> tuple[bool, str]:
    """The order in which somebody would run them."""
    name = path.rpartition("/")[2].lower()
    return (re.search(r"schema|init|setup|create|structure", name) is None, path)


def _is_schema(path: Path) -> bool:
    return _TABLE.search(_text(path)) is not None
