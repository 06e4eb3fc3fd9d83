"""Who has a way to a Supabase database: where it is only PostgreSQL to its program, no visitor."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ...engine.finding import Finding, Severity
from ...engine.tree import Tree

_MANIFESTS = (
    "**/package.json",
    "**/requirements*.txt",
    "**/pyproject.toml",
    "**/Pipfile",
    "**/pubspec.yaml",
    "**/deno.json",
    "**/*.html",
    "**/.env*",
)
_CLIENT = re.compile(
    r"@supabase/|supabase-js|supabase_(?:flutter|client)|^\s*[\"']?supabase\b(?!\"\s*:)"
    r"|ANON_KEY|PUBLISHABLE|SUPABASE_(?:URL|KEY)|postgrest|\.supabase\.co\b",
    re.MULTILINE | re.IGNORECASE,
)
_DRIVER = re.compile(
    r"\"(?:pg|postgres|sequelize|typeorm|knex|drizzle-orm|@prisma/client|@neondatabase/serverless)\""
    r"|^\s*[\"']?(?:sqlalchemy|flask-sqlalchemy|sqlmodel|psycopg\w*|asyncpg)\b",
    re.MULTILINE | re.IGNORECASE,
)
_OF_VISITORS = re.compile(r"rls\.|db\.definer-no-authz|storage\.open-policy")


def by_the_program_only(tree: Tree) -> bool:
    """Whether a driver of PostgreSQL is named where clients are, and none of Supabase's own.

    Its API answers nobody without the project's public key, and nothing here gives that out.
    """
    texts = [_text(tree, path) for path in tree.matching(*_MANIFESTS)]
    return any(map(_DRIVER.search, texts)) and not any(map(_CLIENT.search, texts))


def _text(tree: Tree, path: str) -> str:
    """Of a manifest of Node what the program runs with; the command line's tool is no client."""
    if path.endswith("package.json"):
        manifest = tree.json(path)
        named = manifest.get("dependencies") if isinstance(manifest, dict) else None
        return json.dumps(named or {}).replace('"supabase"', '""')
    return tree.text(path) or ""


def as_reached(tree: Tree, findings: Iterable[Finding]) -> Iterator[Finding]:
    """What a visitor could do, and how bad that is while they have no way in."""
    shut = by_the_program_only(tree)
    for one in findings:
        grave = one.severity is None or one.severity > Severity.MEDIUM
        if not shut or not grave or not _OF_VISITORS.match(one.rule):
            yield one
            continue
        message = f"{one.message} No client with the project's public key is in this repository."
        yield replace(one, message=message, severity=Severity.MEDIUM)
