"""How a prototype changes its database's shape beside, or instead of, a chain of migrations."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from ...engine.finding import Evidence, Finding, NotLooked, Place, Severity
from ...engine.guard import Looked
from ...engine.tree import Tree
from ..filenames import is_test
from .chain import Chains, version_of
from .trying import for_trying

MOST_ALSO = 25
_CODE = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".py")
_COMMENT = re.compile(r"^\s*(#|//|\*|/\*)")
_BYPASS = (
    ("creates the tables by itself", re.compile(r"\bcreate_all\s*\(|\.create_all\b\s*[,)]")),
    (
        "changes the tables to fit the models",
        re.compile(r"\.sync\(\s*\{[^}]*\b(?:alter|force)\s*:\s*true"),
    ),
    ("changes the tables to fit the models", re.compile(r"\bsynchronize\s*:\s*true\b")),
)
_NUMBERED = re.compile(r"\d{3,}[^/]*\.(?:[cm]?[jt]s)$")
_STEP = re.compile(
    r"\bimplements\s+MigrationInterface\b|\bextends\s+Migration\b|\bexports\.up\s*="
    r"|\bexport\s+(?:async\s+)?function\s+up\s*\(|\bexport\s+const\s+up\b"
    r"|\bexports\s*=\s*\{\s*(?:async\s+)?up\b"
)
_PUSH = re.compile(r"drizzle-kit\s+push|prisma\s+db\s+push")
_MIGRATES = re.compile(r"drizzle-kit\s+(?:migrate|generate)|prisma\s+migrate")
_ONCE = re.compile(r"(?:^|/)scripts?/|(?:^|/)(?:migrate|import|export|convert)[-_]\w")
_DDL = re.compile(
    r"(?i)\b(?:create\s+table|alter\s+table\s+\S+\s+add|drop\s+table|create\s+(?:unique\s+)?index)\b"
)
_DDL_WORDS = ("create table", "alter table", "drop table", "create index", "create unique")
_SENDS = re.compile(
    r"\b(?:sql|query|execute|exec|run|unsafe|raw|executeRaw\w*|queryRaw\w*|cursor)\b", re.IGNORECASE
)
_HANDLER = re.compile(
    r"(^|/)(?:app/(?:.*/)?(?:route|page|layout|actions?)\.[jt]sx?|pages/api/.*\.[jt]sx?|api/.*\.[jt]s"
    r"|supabase/functions/[^/]+/index\.ts|src/routes/.*\+server\.[jt]s)$"
)
_ROUTE = re.compile(
    r"^[ \t]*@(?:app|router|api|bp|\w*blueprint\w*)\.(?:get|post|put|patch|delete|route)\("
    r"|^[ \t]*(?:app|router)\.(?:get|post|put|patch|delete)\(\s*[\"'`/]",
    re.MULTILINE | re.IGNORECASE,
)
_DEFINED = re.compile(
    r"^(?:export\s+)?(?:default\s+)?(?:async\s+)?function\s+(\w+)"
    r"|^(?:export\s+)?const\s+(\w+)\s*=\s*(?:async\b|\()|^(?:async\s+)?def\s+(\w+)",
    re.MULTILINE,
)
_BY_HAND = re.compile(r"main|migrate\w*|seed\w*|up|down|run", re.IGNORECASE)
_ORM = (
    (
        "SQLAlchemy",
        re.compile(
            r"\bfrom\s+(?:flask_)?sqlalchemy\b|\bimport\s+(?:flask_)?sqlalchemy\b|\bfrom\s+sqlmodel\b"
        ),
    ),
    ("Drizzle", re.compile(r"from\s+[\"']drizzle-orm(?:/[\w-]+)*[\"']")),
    ("Prisma", re.compile(r"from\s+[\"']@prisma/client[\"']")),
    ("Sequelize", re.compile(r"from\s+[\"']sequelize[\"']|require\([\"']sequelize[\"']\)")),
    (
        "MySQL",
        re.compile(r"^\s*(?:import|from)\s+(?:mysql\.connector|pymysql|MySQLdb)\b", re.MULTILINE),
    ),
    ("Knex", re.compile(r"from\s+[\"']knex[\"']|require\([\"']knex[\"']\)")),
    ("Kysely", re.compile(r"from\s+[\"']kysely[\"']")),
    ("TypeORM", re.compile(r"from\s+[\"']typeorm[\"']")),
    (
        "node-postgres",
        re.compile(
            r"from\s+[\"'](?:pg|@vercel/postgres|@neondatabase/serverless|postgres)[\"']|require\([\"']pg[\"']\)"
        ),
    ),
    (
        "SQLite",
        re.compile(
            r"from\s+[\"']better-sqlite3[\"']|require\([\"'](?:better-sqlite3|sqlite3)[\"']\)|^import\s+sqlite3\b",
            re.MULTILINE,
        ),
    ),
    ("psycopg", re.compile(r"^\s*import\s+(?:psycopg2?|asyncpg)\b", re.MULTILINE)),
)
_SUPABASE = re.compile(
    r"from\s+[\"']@supabase/(?:supabase-js|ssr)[\"'][\s\S]*|\bfrom\s+supabase\s+import"
)
_FROM = re.compile(
    r"\.from\(\s*[\"'`](\w+)[\"'`]\s*\)\s*\.?\s*(?:select|insert|update|upsert|delete)"
)


def look(tree: Tree, chains: Chains) -> Looked:
    """What is beside the chains; Alembic and other migrations in code are named, not executed."""
    code = [path for path in tree.ending(*_CODE) if not is_test(path) and not tree.is_fitted(path)]
    texts = _Texts(tree)
    coded = sorted(_coded_chains(tree) | _with_steps(texts, code))
    findings = [*_bypassed(tree, texts, code), *_collisions(coded_files(tree, coded))]
    findings += [*_on_request(texts, code), *_calls(texts, code)]
    findings += _outside(chains)
    if not (chains.chains or chains.not_postgres or coded):
        # That there are none is the fault then; how the tables come about is its detail.
        findings = [
            replace(finding, severity=Severity.MEDIUM)
            if finding.rule == "migrations.bypassed"
            else finding
            for finding in findings
        ]
        schemas = tree.ending(".prisma")
        findings += _none(texts, code, chains, findings, [Place(path) for path in schemas])
    not_looked = [
        NotLooked(folder, "migrations in code are not executed", ("migrations.not-replayable",))
        for folder in coded
    ]
    return Looked(findings, not_looked)


class _Texts:
    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._known: dict[str, str] = {}

    def __getitem__(self, path: str) -> str:
        if path not in self._known:
            self._known[path] = self._tree.text(path) or ""
        return self._known[path]

    def ddl(self, path: str) -> list[re.Match[str]]:
        """Where it says DDL; the quick look first, as nearly no file does."""
        text = self[path]
        plain = text.lower()
        if not any(words in plain for words in _DDL_WORDS):
            return []
        return [found for found in _DDL.finditer(text) if not _commented(text, found.start())]


def _coded_chains(tree: Tree) -> set[str]:
    folders: dict[str, int] = defaultdict(int)
    for path in tree.ending(".py", ".js", ".ts", ".mjs", ".cjs"):
        folder, _, name = path.rpartition("/")
        last = folder.rpartition("/")[2]
        alembic = f"{folder.rpartition('/')[0]}/env.py" in tree.present
        if (last == "versions" and alembic) or (
            last in ("migrations", "migration") and version_of(path) and name != "__init__.py"
        ):
            folders[folder] += 1
    return set(folders)


def _with_steps(texts: _Texts, code: list[str]) -> set[str]:
    """Folders whose files hold a step on and mostly one back, whatever they are called."""
    return {
        path.rpartition("/")[0] or "."
        for path in code
        if _NUMBERED.search(path) and _STEP.search(texts[path])
    }


def coded_files(tree: Tree, folders: list[str]) -> dict[str, list[str]]:
    """The numbered files of each chain that is code."""
    found: dict[str, list[str]] = {folder: [] for folder in folders}
    for path in tree.ending(".py", ".js", ".ts", ".mjs", ".cjs"):
        folder = path.rpartition("/")[0]
        if folder in found and version_of(path) and not folder.endswith("/versions"):
            found[folder].append(path)
    return found


def _collisions(chains: dict[str, list[str]]) -> Iterator[Finding]:
    for folder, paths in chains.items():
        if any(path.endswith(".py") for path in paths):
            continue  # Django goes by its dependencies, not by the numbers
        versions: dict[str, list[str]] = defaultdict(list)
        for path in paths:
            versions[version_of(path)].append(path)
        twins = [group for group in versions.values() if len(group) > 1]
        if twins:
            first, *rest = [path for group in twins for path in sorted(group)]
            names = ", ".join(path.rpartition("/")[2] for path in [first, *rest][:8])
            yield Finding(
                "migrations.collision",
                Place(first),
                f"Migrations in {folder} share a number: {names}. Their order is an accident of "
                f"their names, and a runner that remembers numbers skips one.",
                evidence=Evidence.EXACT,
                also=tuple(Place(path) for path in rest[:MOST_ALSO]),
            )


def _bypassed(tree: Tree, texts: _Texts, code: list[str]) -> Iterator[Finding]:
    for path in code:
        text = texts[path]
        if not any(word in text for word in ("create_all", "sync(", "synchronize")):
            continue
        for what, pattern in _BYPASS:
            found = next(
                (m for m in pattern.finditer(text) if not _commented(text, m.start())), None
            )
            if found:
                yield Finding(
                    "migrations.bypassed",
                    _place(path, text, found.start()),
                    f"{path} {what} ({found.group().strip()[:60]}), so no migration knows what "
                    f"the database looks like.",
                    Severity.MEDIUM if for_trying(tree, path, text, found.start()) else None,
                    Evidence.EXACT,
                )
                break
    for path in tree.matching("**/package.json"):
        text = texts[path]
        if found := _PUSH.search(text):
            yield Finding(
                "migrations.bypassed",
                _place(path, text, found.start()),
                f"The schema is pushed with `{found.group()}`, which writes no migration and may "
                f"drop columns.",
                Severity.MEDIUM if _MIGRATES.search(text) else None,
                Evidence.EXACT,
            )


def _on_request(texts: _Texts, code: list[str]) -> Iterator[Finding]:
    for path in code:
        if "/migrations/" in path or "migrate" in path.lower():
            continue
        text = texts[path]
        changes = texts.ddl(path)
        if not changes:
            continue
        handler = bool(_HANDLER.search(path))
        routes = [] if handler else [m.start() for m in _ROUTE.finditer(text)]
        if not handler and not routes:
            continue
        for found in changes:
            before = text[max(0, found.start() - 200) : found.start()]
            if not _SENDS.search(before):
                continue
            if handler or _within_route(text, routes, found.start()):
                yield Finding(
                    "migrations.on-request",
                    _place(path, text, found.start()),
                    f"{path} changes the database's shape while it answers a request "
                    f"(`{' '.join(found.group().split())}`).",
                )
                break


def _schema_makers(texts: _Texts, code: list[str]) -> dict[str, str]:
    """Functions that send DDL, and the file of each; what is called main, migrate or seed is run
    by a person."""
    makers: dict[str, str] = {}
    for path in code:
        text = texts[path]
        if _HANDLER.search(path) or "/migrations/" in path:
            continue
        for found in texts.ddl(path):
            before = text[max(0, found.start() - 200) : found.start()]
            defined = list(_DEFINED.finditer(text, 0, found.start()))
            if defined and _SENDS.search(before):
                makers.setdefault(defined[-1][1] or defined[-1][2] or defined[-1][3], path)
    return {name: path for name, path in makers.items() if not _BY_HAND.fullmatch(name)}


def _calls(texts: _Texts, code: list[str]) -> Iterator[Finding]:
    """Handlers that call a function which changes the schema."""
    for name, origin in _schema_makers(texts, code).items():
        call = re.compile(rf"(?<![\w.])(?:await\s+)?{re.escape(name)}\s*\(")
        places = []
        for path in code:
            text = texts[path]
            if path == origin or name not in text:
                continue
            routes = [match.start() for match in _ROUTE.finditer(text)]
            for found in call.finditer(text):
                handled = _HANDLER.search(path) or _within_route(text, routes, found.start())
                if handled and not _commented(text, found.start()):
                    places.append(_place(path, text, found.start()))
                    break
        if places:
            yield Finding(
                "migrations.on-request",
                places[0],
                f"{places[0].path} calls `{name}` (in {origin}), which changes the database's "
                f"shape, while it answers a request.",
                also=tuple(places[1:MOST_ALSO]),
            )


def _within_route(text: str, routes: list[int], at: int) -> bool:
    """Below a route, with neither its end nor another definition at the left margin between."""
    above = [start for start in routes if start < at]
    if not above:
        return False
    between = text[above[-1] : at].split("\n")[1:]
    if any(line.startswith("})") for line in between):
        return False  # the route ends there: what follows runs when the server starts
    decorated = text[above[-1] :].lstrip().startswith("@")
    if decorated and _dedents(between, _margin(text[above[-1] :])):
        return False  # as in a function that makes the application, with its routes in it
    starts = [
        line
        for line in between
        if re.match(r"(?:async\s+)?(?:def|function|class|const|export)\b", line)
    ]
    return len(starts) <= (1 if decorated else 0)


def _dedents(lines: list[str], margin: int) -> bool:
    """Whether a statement stands at the margin, after a function's decorators and head."""
    heads = ("@", "def ", "async def ", ")", "#")
    return any(
        line.strip() and _margin(line) <= margin and not line.lstrip().startswith(heads)
        for line in lines
    )


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _outside(chains: Chains) -> Iterator[Finding]:
    if not chains.outside:
        return
    first, *rest = chains.outside
    if chains.chains:
        what = "beside the chain of migrations; nobody can tell which of it was run"
    else:
        what = "that somebody runs by hand; there is no chain that would rebuild the database"
    names = ", ".join(path.rpartition("/")[2] for path in chains.outside[:6])
    yield Finding(
        "migrations.outside-chain",
        Place(first),
        f"{len(chains.outside)} SQL files change the schema {what}: {names}.",
        evidence=Evidence.EXACT,
        also=tuple(Place(path) for path in rest[:MOST_ALSO]),
    )


def _none(
    texts: _Texts, code: list[str], chains: Chains, found: list[Finding], schemas: list[Place]
) -> Iterator[Finding]:
    for path in (path for path in code if not _ONCE.search(path)):
        for name, pattern in _ORM:
            if use := pattern.search(texts[path]):
                how = "SQL run by hand" if chains.outside else "no migrations at all"
                if any(finding.rule == "migrations.bypassed" for finding in found):
                    how = "tables made by the program itself"
                of_prisma = schemas if name == "Prisma" else ()
                told = min(of_prisma, key=lambda place: len(place.path), default=None)
                yield Finding(
                    "migrations.none",
                    told or _place(path, texts[path], use.start()),
                    f"A database is used through {name}, with {how}: it can't be rebuilt, moved or "
                    f"rolled back step by step.",
                    also=tuple(place for place in schemas[:MOST_ALSO] if place != told),
                )
                return
    tables = _supabase_tables(texts, code)
    if tables and not chains.outside:
        path, at, names = tables
        yield Finding(
            "migrations.none",
            _place(path, texts[path], at),
            f"{len(names)} tables of a Supabase database are used ({', '.join(sorted(names)[:6])}) "
            f"and none of them is in a migration: it can't be rebuilt from this repository.",
        )


def _supabase_tables(texts: _Texts, code: list[str]) -> tuple[str, int, set[str]] | None:
    names: set[str] = set()
    first: tuple[str, int] | None = None
    if not any(_SUPABASE.search(texts[path][:3000]) for path in code):
        return None
    for path in code:
        for use in _FROM.finditer(texts[path]):
            names.add(use[1])
            first = first or (path, use.start())
    return (*first, names) if first else None


def _commented(text: str, at: int) -> bool:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return bool(_COMMENT.match(line))


def _place(path: str, text: str, at: int) -> Place:
    line = text.count("\n", 0, at) + 1
    snippet = text.splitlines()[line - 1].strip()[:200] if text else ""
    return Place(path, line, line, snippet)
