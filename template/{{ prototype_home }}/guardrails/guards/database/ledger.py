"""What a migration tool writes down beside its files: whose SQL they are, which count, in which
order. Prisma keeps a lock, Drizzle a journal (or a snapshot a folder), Supabase its settings."""

import json
import tomllib
from collections.abc import Iterable
from typing import Any

from ...engine.tree import Tree

_POSTGRES = frozenset({"postgresql", "postgres", "pg", "cockroachdb", "cockroach", "gel"})
_SETTINGS = "supabase/config.toml"


class Journal:
    """Of Drizzle: the files that `drizzle-kit migrate` runs, by the order of its entries."""

    def __init__(self, tree: Tree, folder: str) -> None:
        self.path = f"{folder}/meta/_journal.json"
        entries = _json(tree, self.path).get("entries")
        rows = entries if isinstance(entries, list) else []
        self.entries = [row for row in rows if isinstance(row, dict) and row.get("tag")]
        self.readable = isinstance(entries, list)
        self.files = [f"{folder}/{row['tag']}.sql" for row in self.entries]

    def late(self) -> list[str]:
        """Entries that are older than one before them: where that one ran, they never do."""
        found: list[str] = []
        newest = 0
        for path, row in zip(self.files, self.entries, strict=True):
            when = row.get("when")
            if isinstance(when, int):
                found += [path] * (when < newest)
                newest = max(newest, when)
        return found


def is_postgres(tree: Tree, folder: str, paths: Iterable[str]) -> bool | None:
    """What the tool itself says of the SQL; None where it says nothing."""
    said = _toml(tree, f"{folder}/migration_lock.toml").get("provider")
    said = said or _json(tree, f"{folder}/meta/_journal.json").get("dialect")
    for path in () if said else paths:
        beside = path.removesuffix("migration.sql") + "snapshot.json"
        if path.endswith("/migration.sql") and beside in tree.present:
            said = _json(tree, beside).get("dialect")
    return str(said).lower() in _POSTGRES if said else None


def is_drizzle(tree: Tree, paths: Iterable[str]) -> bool:
    """Whether a folder a migration is Drizzle's: only it keeps a snapshot in each."""
    return any(path.removesuffix("migration.sql") + "snapshot.json" in tree.present
               for path in paths)  # fmt: skip


def declared(tree: Tree) -> tuple[str, ...]:
    """Globs of the schema from which Supabase's migrations are written, as its settings name it."""
    found: list[str] = []
    for settings in tree.ending(_SETTINGS):
        globs = _of(_toml(tree, settings), "db", "migrations").get("schema_paths")
        root = settings.removesuffix("config.toml")
        for glob in globs if isinstance(globs, list) else []:
            found += [_joined(root, glob)] if isinstance(glob, str) else []
    return tuple(found)


def is_turned_off(tree: Tree, folder: str) -> str | None:
    """The settings that keep the Supabase CLI from running what is in its folder."""
    path = folder.removesuffix("migrations") + "config.toml"
    enabled = _of(_toml(tree, path), "db", "migrations").get("enabled")
    return path if path.endswith(_SETTINGS) and enabled is False else None


def _joined(root: str, glob: str) -> str:
    """Seen from the folder of the settings, as the CLI reads it."""
    while glob.startswith(("./", "../")):
        if glob.startswith("../"):
            root = root.rstrip("/").rpartition("/")[0]
            root += "/" * bool(root)
        glob = glob.partition("/")[2]
    return f"{root}{glob}"


def _of(table: dict[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        inner = table.get(name)
        table = inner if isinstance(inner, dict) else {}
    return table


def _toml(tree: Tree, path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(tree.text(path) or "") if path in tree.present else {}
    except tomllib.TOMLDecodeError:
        return {}


def _json(tree: Tree, path: str) -> dict[str, Any]:
    try:
        read = json.loads(tree.text(path) or "{}") if path in tree.present else {}
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}
