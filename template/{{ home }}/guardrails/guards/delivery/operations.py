"""What is needed on the day that something breaks: a report, a backup, the right version."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ...engine.finding import Evidence, Finding, Place, Severity
from .project import Project

# Plain strings, not patterns: every text of the tree is searched for each of them.
_REPORTING = (
    "sentry", "bugsnag", "rollbar", "honeybadger", "datadog", "dd-trace", "newrelic",
    "opentelemetry", "highlight.run", "applicationinsights", "appsignal", "airbrake", "raygun",
    "logrocket", "trackjs", "glitchtip", "elastic-apm", "posthog", "crashlytics", "betterstack",
    "logtail", "@axiomhq",
)  # fmt: skip
_HEADERS = (
    "content-security-policy", "x-frame-options", "strict-transport-security", "helmet(",
    "talisman", "securitymiddleware", "secure_hsts", "frame-ancestors", "secure-headers",
    "secureheaders",
)  # fmt: skip


@dataclass(frozen=True)
class _Store:
    """A kind of database: the packages that speak to it, what dumps it, and the words by which a
    file that is named after backups shows to be about it (none: it need not).
    """

    packages: frozenset[str]
    dumps: tuple[str, ...]
    words: tuple[str, ...] = ()


_OF_THE_HOST = ("point-in-time recovery", "point in time recovery")
_STORES = (
    _Store(
        frozenset({"mongoose", "mongodb", "motor", "pymongo", "mongoengine", "beanie", "odmantic"}),
        ("mongodump", "mongorestore", *_OF_THE_HOST),
        ("mongo",),
    ),
    _Store(
        frozenset({"mysql", "mysql2", "pymysql", "aiomysql", "mysqlclient"}),
        ("mysqldump", "mariadb-dump", "xtrabackup", "mydumper", *_OF_THE_HOST),
        ("mysql", "mariadb"),
    ),
    _Store(
        frozenset({
            "@supabase/supabase-js", "pg", "drizzle-orm", "prisma", "@prisma/client", "typeorm",
            "sequelize", "knex", "better-sqlite3", "sqlite3", "@vercel/postgres",
            "@neondatabase/serverless", "postgres", "sqlalchemy", "psycopg", "psycopg2",
            "psycopg2-binary", "asyncpg", "django", "sqlmodel", "flask-sqlalchemy", "tortoise-orm",
            "peewee", "supabase",
        }),
        (
            "pg_dump", "pgbackrest", "wal-g", "litestream", "barman", "supabase db dump",
            "mongodump", "mysqldump", *_OF_THE_HOST,
        ),
    ),
)  # fmt: skip
_BACKUP_NAME = re.compile(r"backup|restore|disaster", re.IGNORECASE)
_DOCUMENT = re.compile(r"\.(md|ya?ml|sh|toml|py|[cm]?[jt]s|json|sql|txt|conf)$|Dockerfile|Makefile")
_NODE_PINS = (".nvmrc", ".node-version", ".tool-versions", "mise.toml", ".mise.toml", ".prototools")
_PYTHON_PINS = (".python-version", "runtime.txt", *_NODE_PINS[2:])


def findings(project: Project) -> Iterator[Finding]:
    """Told by what is nowhere in the tree, so one look at every text must do."""
    reporting = any(_holds(name, _REPORTING) for name in project.needs)
    headers = False
    lost = [store for store in _STORES if store.packages & project.needs]
    for path in project.tree.files:
        if not _DOCUMENT.search(path) or path.endswith(("-lock.json", ".lock")):
            continue
        if reporting and headers and not lost:
            break
        text = (project.tree.text(path) or "").lower()
        code = not path.endswith((".md", ".txt"))
        reporting = reporting or (code and _holds(text, _REPORTING))
        headers = headers or (code and _holds(text, _HEADERS))
        lost = [store for store in lost if not _backs_up(path, text, store)]
    if not reporting:
        yield _absent("ops.no-error-reporting", "Nothing reports an error of a user's to you.")
    if not headers:
        yield _absent("ops.no-security-headers", "No security header is set anywhere.")
    if stored := [min(store.packages & project.needs) for store in lost]:
        yield _absent(
            "backups.none",
            f"There is a database ({', '.join(stored)}), and no backup job or instruction.",
        )
    yield from _unpinned_platform(project)


def _backs_up(path: str, text: str, store: _Store) -> bool:
    if _holds(text, store.dumps):
        return True
    named = _BACKUP_NAME.search(path.rpartition("/")[2]) is not None
    return named and (not store.words or _holds(text, store.words))


def _holds(text: str, marks: tuple[str, ...]) -> bool:
    return any(mark in text for mark in marks)


def _absent(rule: str, message: str) -> Finding:
    return Finding(rule, Place(), message, evidence=Evidence.READ)


def _unpinned_platform(project: Project) -> Iterator[Finding]:
    images = "\n".join(
        project.tree.text(path) or "" for path in project.tree.files if "Dockerfile" in path
    )
    node = any(project.named(*_NODE_PINS)) or re.search(r"FROM\s+\S*(node|bun|deno)\S*:", images)
    apps = [package for package in project.packages if package.needs]
    if apps and not node and not any(_has_engine(package.content) for package in project.packages):
        yield Finding(
            "platform.no-engines",
            Place(apps[0].path),
            f"{apps[0].path} names no version of Node: every machine may use another.",
            severity=Severity.LOW,
            evidence=Evidence.EXACT,
        )
    python = [path for path in project.requirements if not project.packages]
    pinned = any(project.named(*_PYTHON_PINS)) or re.search(r"FROM\s+\S*python\S*:", images)
    if python and not pinned and not project.pyprojects:
        yield Finding(
            "platform.no-engines",
            Place(python[0]),
            "No file names the version of Python: every machine may use another.",
            severity=Severity.LOW,
            evidence=Evidence.EXACT,
        )


def _has_engine(content: object) -> bool:
    if not isinstance(content, dict):
        return False
    engines, volta = content.get("engines"), content.get("volta")
    return (isinstance(engines, dict) and "node" in engines) or isinstance(volta, dict)
