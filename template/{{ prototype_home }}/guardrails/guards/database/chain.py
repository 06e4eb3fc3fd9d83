"""Which migrations a tree has, whose rules they follow, and what their tool would really run."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cache, partial
from pathlib import PurePosixPath
from typing import Any

from ...engine.encoding import text_of
from ...engine.tree import Tree, read_within
from .ledger import Journal, declared, is_drizzle, is_postgres
from .model import Chain, Dialect, Migration

MOST_BYTES = 8_000_000
MOST_FILES = 2_000
MOST_LOOSE = 60
SUPABASE_NAME = re.compile(r"^([0-9]+)_(.*)\.sql$")
_DIGITS = re.compile(r"^[vV]?(\d+)")
_DDL = re.compile(
    r"^\s*(create\s+(or\s+replace\s+)?(table|policy|function|view|type)|alter\s+table)\b",
    re.IGNORECASE | re.MULTILINE,
)
_OTHER_ENGINE = re.compile(
    r"\bAUTO_?INCREMENT\b|\bENGINE\s*=|^\s*CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?`"
    r"|\bIDENTITY\s*\(|^GO\s*$|\bPRAGMA\b|\bNVARCHAR\b|\bDATETIME\b|\bVARCHAR2\b",
    re.IGNORECASE | re.MULTILINE,
)
_COMMENT = re.compile(r"--[^\n]*|/\*(?!!)[\s\S]*?\*/")
_SUPABASE_SQL = re.compile(
    r"\bauth\.(uid|users|jwt|role)\b|\bto\s+(anon|authenticated|service_role)\b|\bstorage\.(buckets|objects)\b",
    re.IGNORECASE,
)
_OTHER_LIBRARY = re.compile(
    r"\"(?:@?prisma(?:/client)?|drizzle-orm|pg|postgres|mysql2?|knex|sequelize|typeorm|kysely"
    r"|@neondatabase/serverless|@vercel/postgres|better-sqlite3|sqlite3?|mongoose|mongodb)\"\s*:"
)
_ASIDE = re.compile(
    r"(^|/)[._]?(tests?|old|down|rollbacks?|examples?|deprecated|legacy|unused)(/|$)"
    r"|(^|/)\.[^/]+/|archiv|backup|discard",
    re.IGNORECASE,
)
_PUT_AWAY = re.compile(r"[._-](old|bak|legacy|deprecated|unused|copy)(?=/|$)", re.IGNORECASE)
_TAKES_BACK = re.compile(r"roll[_-]?back|(^|[_.-])(undo|revert|down)(?=[_.-])", re.IGNORECASE)
"""A script that somebody keeps for the day on which another one has to be taken back."""
_WAY_ON = re.compile(
    r"^--\s*(?:migrate:up|\+(?:goose|migrate)\s+up|up\s+migration)\b", re.IGNORECASE | re.MULTILINE
)
_WAY_BACK = re.compile(
    r"^--\s*(?:migrate:down|\+(?:goose|migrate)\s+down|down\s+migration)\b",
    re.IGNORECASE | re.MULTILINE,
)
"""Where the half of a file begins that dbmate, goose and their like run to take a step back."""
_STAND_IN = re.compile(r"shim|stub|mock|fixture|example|(^|[_.-])test")
_TYPES = (
    "**/integrations/supabase/types.ts",
    "**/database.types.ts",
    "**/types/supabase.ts",
    "**/types_db.ts",
    "**/supabase.types.ts",
    "**/lib/supabase/types.ts",
    "**/types/database.ts",
    "**/types/database.types.ts",
    "**/database-types.ts",
    "**/supabase/types.ts",
)


def other_engine(text: str) -> "re.Match[str] | None":
    """What only another database than PostgreSQL understands, where it is no comment."""
    return _OTHER_ENGINE.search(
        _COMMENT.sub(lambda one: re.sub(r"[^\n]", " ", one[0]), text)
        if "--" in text or "/*" in text
        else text
    )


class Chains:
    """The chains of a tree, and the SQL that belongs to none of them."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.sql = [path for path in tree.ending(".sql") if not path.endswith(".down.sql")]
        self.chains: list[Chain] = []
        self.not_postgres: list[str] = []
        self.text = cache(lambda path: sql_text(tree, path) or "")
        self._declared = declared(tree)
        self._find()
        inside = {file.path for chain in self.chains for file in chain.files}
        inside |= {path for chain in self.chains for path in chain.beside}
        foreign = tuple(f"{folder}/" for folder in self.not_postgres)
        self.outside = [
            path
            for path in self.sql
            if path not in inside and not path.startswith(foreign) and self._is_schema(path)
        ]
        self.loose = self._loose() if self.outside and not self.chains else None

    def _is_schema(self, path: str) -> bool:
        folder, _, name = path.lower().rpartition("/")
        if _ASIDE.search(folder) or _PUT_AWAY.search(folder) or _is_no_step(name):
            return False
        text = self.text(path)
        if not _DDL.search(text) or other_engine(text) is not None:
            return False
        # Supabase's declarative schemas: the chain comes from them.
        return "/schemas/" not in path and not any(fnmatchcase(path, it) for it in self._declared)

    def _find(self) -> None:
        folders = _by_folder(self.sql)
        each: dict[str, list[str]] = defaultdict(list)
        for folder, paths in folders.items():
            if folder.endswith("supabase/migrations"):
                # A leading underscore is how people keep a script beside the chain.
                meant = [path for path in paths if not path.startswith(f"{folder}/_")]
                self._add(Dialect.SUPABASE, folder, meant)
            elif f"{folder}/migration.sql" in paths:
                # What lies beside it (`down.sql`) is for a person.
                each[folder.rpartition("/")[0]].append(f"{folder}/migration.sql")
            elif f"{folder}/meta/_journal.json" in self.tree.present:
                self._add(Dialect.DRIZZLE, folder, paths)
            elif not _ASIDE.search(folder) and _looks_ordered(folder, paths):
                self._add(Dialect.PLAIN, folder, paths)
        for folder, paths in _kept(each).items():
            drizzle = is_drizzle(self.tree, paths)
            self._add(Dialect.DRIZZLE if drizzle else Dialect.PRISMA, folder, paths)
        chains = [chain for chain in self.chains if not self._is_copy(chain)]
        self.chains = [one for one in chains if not any(map(partial(_inside, one), chains))]

    def _is_copy(self, chain: Chain) -> bool:
        """Whether another folder, which the Supabase CLI reads, holds the same files."""
        if chain.folder.endswith("supabase/migrations"):
            return False
        names = {_name(file) for file in chain.files}
        return any(
            2 * len(names & {_name(file) for file in other.files}) > len(names)
            for other in self.chains
            if other.folder.endswith("supabase/migrations")
        )

    def _add(self, dialect: Dialect, folder: str, paths: Iterable[str]) -> None:
        kept = sorted(paths, key=_ORDER.get(dialect, _time_order))[:MOST_FILES]
        texts = [self.text(path) for path in kept]
        if dialect is not Dialect.SUPABASE and self._is_foreign(folder, kept, texts):
            self.not_postgres.append(folder)
            return
        if dialect is Dialect.PLAIN:
            if not any(map(_DDL.search, texts)):
                return
            if any(map(_SUPABASE_SQL.search, texts)) or self._is_of_supabase(folder):
                dialect = Dialect.SUPABASE
        beside: list[str] = []
        if dialect is Dialect.DRIZZLE and (known := Journal(self.tree, folder)).entries:
            beside = [path for path in kept if path not in known.files and self._is_step(path)]
            kept = [path for path in known.files if path in kept]
        strict = folder.endswith("supabase/migrations")
        files = tuple(
            Migration(path, version_of(path), not strict or _accepted(path)) for path in kept
        )
        self.chains.append(Chain(dialect, folder, files, self._types(folder), tuple(beside)))

    def _is_step(self, path: str) -> bool:
        numbered = version_of(path) and not _is_no_step(path.rpartition("/")[2].lower())
        return bool(numbered) or self._is_schema(path)

    def _is_foreign(self, folder: str, paths: list[str], texts: list[str]) -> bool:
        """Whether it is another database's SQL; what the tool says of it goes before its looks."""
        said = is_postgres(self.tree, folder, paths)
        looks = any(map(other_engine, texts))
        return not said if said is not None else looks

    def _is_of_supabase(self, folder: str) -> bool:
        """Whether the application around the scripts knows no database but Supabase's."""
        at = PurePosixPath(folder)
        for above in (at, *at.parents):
            manifest = self.tree.text((above / "package.json").as_posix())
            if manifest is not None:
                return '"@supabase/' in manifest and not _OTHER_LIBRARY.search(manifest)
        return False

    def _types(self, folder: str) -> str | None:
        """The generated types that lie nearest to the chain."""
        root = folder.removesuffix("migrations").removesuffix("supabase/").rstrip("/")
        found = [
            path
            for path in self.tree.matching(*_TYPES)
            if (not root or path.startswith(f"{root}/")) and "Row: {" in self.text(path)
        ]
        return max(found, key=lambda path: (len(self.text(path)), path), default=None)

    def _loose(self) -> Chain | None:
        """Scripts that somebody ran by hand, in the order in which a reader would."""
        paths = sorted(self.outside, key=by_hand)[:MOST_LOOSE]
        folder = PurePosixPath(paths[0]).parent.as_posix()
        supabase = self._is_of_supabase(folder) or any(
            _SUPABASE_SQL.search(self.text(path)) for path in paths
        )
        files = tuple(Migration(path, "", accepted=False) for path in paths)
        dialect = Dialect.SUPABASE if supabase else Dialect.PLAIN
        return Chain(dialect, "" if folder == "." else folder, files, self._types(""))


def _is_no_step(name: str) -> bool:
    """Rows to try things with, what stands in for something, what takes a step back."""
    return bool(_STAND_IN.search(name) or name.startswith("seed") or _TAKES_BACK.search(name))


def _by_folder(sql: Iterable[str]) -> dict[str, list[str]]:
    """Without old copies of a chain that the Supabase CLI reads: what alone is there is what is
    meant, whatever its name."""
    folders: dict[str, list[str]] = defaultdict(list)
    for path in sql:
        folders[path.rpartition("/")[0]].append(path)
    read = {folder for folder in folders if folder.endswith("supabase/migrations")}
    aside = {folder for folder in read if _ASIDE.search(folder)}
    return {name: kept for name, kept in folders.items() if aside == read or name not in aside}


def _kept(each: dict[str, list[str]]) -> dict[str, list[str]]:
    """Without the copies of a chain that were put away, where there is one in use."""
    aside = {folder for folder in each if _ASIDE.search(folder) or _PUT_AWAY.search(folder)}
    return {name: kept for name, kept in each.items() if aside == set(each) or name not in aside}


def _inside(chain: Chain, other: Chain) -> bool:
    """Whether plain scripts lie in the folder of a chain, to be run by hand after it."""
    return chain.dialect is Dialect.PLAIN and chain.folder.startswith(f"{other.folder}/")


def _name(file: Migration) -> str:
    return file.path.rpartition("/")[2]


def sql_text(tree: Tree, path: str) -> str | None:
    data = read_within(tree.root, path, MOST_BYTES)
    if data is None:
        return None
    text = text_of(data).replace("\0", "")
    way_back = None if "supabase/migrations/" in path else _WAY_BACK.search(text)
    return text[: way_back.start()] if way_back and _WAY_ON.search(text) else text


def version_of(path: str) -> str:
    name = path.rpartition("/")[2]
    if name == "migration.sql":
        name = path.split("/")[-2]
    found = _DIGITS.match(name)
    return found[1] if found else ""


def _accepted(path: str) -> bool:
    return bool(SUPABASE_NAME.match(path.rpartition("/")[2]))


def _looks_ordered(folder: str, paths: list[str]) -> bool:
    if not any(word in folder.lower() for word in ("migration", "scripts", "drizzle", "sql")):
        return False
    if _ASIDE.search(folder):
        return False
    return all(version_of(path) for path in paths)


def _time_order(path: str) -> tuple[str, str]:
    """A date of eight digits is the day's beginning; short numbers count from one."""
    version = version_of(path)
    if len(version) >= 8:
        return (f"1{version.ljust(17, '0')}", path)
    return (f"0{version.rjust(17, '0')}", path) if version else ("2", path)


def by_hand(path: str) -> tuple[int, tuple[str, str]]:
    name = path.rpartition("/")[2].lower()
    first = any(word in name for word in ("schema", "init", "setup", "create", "structure"))
    return (0 if first else 1, _time_order(path))


# These tools go by the name alone.
_ORDER: dict[Dialect, Callable[[str], Any]] = {Dialect.SUPABASE: str, Dialect.PRISMA: str}


def would_run(chain: Chain) -> list[Migration]:
    """What the tool runs, in its order: the Supabase CLI goes by file name, Drizzle by its
    journal."""
    accepted = [file for file in chain.files if file.accepted]
    if chain.dialect is Dialect.DRIZZLE:
        return accepted
    return sorted(accepted, key=lambda file: file.path)


def same_versions(chain: Chain) -> Iterator[list[Migration]]:
    """Files that the tool can't tell apart."""
    versions: dict[str, list[Migration]] = defaultdict(list)
    for file in chain.files:
        if file.accepted and file.version:
            versions[file.version].append(file)
    return (group for group in versions.values() if len(group) > 1)
