"""Tell-tales: which dependency, file or line of a file shows which fact."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..engine.tree import Tree
from .apps import App, app_of

TOPICS = (
    "builder", "frameworks", "package_managers", "exposed", "database", "auth", "ci", "tests",
    "migrations", "hosting",
)  # fmt: skip


@dataclass(frozen=True)
class Fact:
    """One thing that is so in an app, and the file that shows it."""

    topic: str
    name: str
    shown_by: str
    app: str = ""
    detail: str = ""

    def as_json(self) -> dict[str, Any]:
        shown = {"name": self.name, "shown_by": self.shown_by, "app": self.app}
        return shown | ({"detail": self.detail} if self.detail else {})


_DEPENDENCIES: dict[str, tuple[str, str]] = {
    "lovable-tagger": ("builder", "Lovable"),
    "@replit/vite-plugin-cartographer": ("builder", "Replit"),
    "@replit/vite-plugin-runtime-error-modal": ("builder", "Replit"),
    "@emergentbase/visual-edits": ("builder", "Emergent"),
    "next": ("frameworks", "Next.js"),
    "react": ("frameworks", "React"),
    "vue": ("frameworks", "Vue"),
    "nuxt": ("frameworks", "Nuxt"),
    "@sveltejs/kit": ("frameworks", "SvelteKit"),
    "@trpc/server": ("frameworks", "tRPC"),
    "@apollo/server": ("frameworks", "GraphQL"),
    "apollo-server": ("frameworks", "GraphQL"),
    "apollo-server-express": ("frameworks", "GraphQL"),
    "graphql-yoga": ("frameworks", "GraphQL"),
    "type-graphql": ("frameworks", "GraphQL"),
    "svelte": ("frameworks", "Svelte"),
    "@angular/core": ("frameworks", "Angular"),
    "astro": ("frameworks", "Astro"),
    "@remix-run/react": ("frameworks", "Remix"),
    "@remix-run/node": ("frameworks", "Remix"),
    "expo": ("frameworks", "Expo"),
    "vite": ("frameworks", "Vite"),
    "react-scripts": ("frameworks", "Create React App"),
    "express": ("frameworks", "Express"),
    "fastify": ("frameworks", "Fastify"),
    "hono": ("frameworks", "Hono"),
    "koa": ("frameworks", "Koa"),
    "@nestjs/core": ("frameworks", "NestJS"),
    "py:fastapi": ("frameworks", "FastAPI"),
    "py:flask": ("frameworks", "Flask"),
    "py:django": ("frameworks", "Django"),
    "py:streamlit": ("frameworks", "Streamlit"),
    "py:aiohttp": ("frameworks", "aiohttp"),
    "py:gradio": ("frameworks", "Gradio"),
    "@supabase/supabase-js": ("database", "Supabase"),
    "py:supabase": ("database", "Supabase"),
    "mongoose": ("database", "MongoDB"),
    "mongodb": ("database", "MongoDB"),
    "py:motor": ("database", "MongoDB"),
    "py:pymongo": ("database", "MongoDB"),
    "pg": ("database", "PostgreSQL"),
    "postgres": ("database", "PostgreSQL"),
    "@vercel/postgres": ("database", "PostgreSQL"),
    "@neondatabase/serverless": ("database", "PostgreSQL"),
    "py:psycopg": ("database", "PostgreSQL"),
    "py:psycopg2": ("database", "PostgreSQL"),
    "py:psycopg2-binary": ("database", "PostgreSQL"),
    "py:asyncpg": ("database", "PostgreSQL"),
    "mysql2": ("database", "MySQL"),
    "py:pymysql": ("database", "MySQL"),
    "better-sqlite3": ("database", "SQLite"),
    "sqlite3": ("database", "SQLite"),
    "py:aiosqlite": ("database", "SQLite"),
    "firebase": ("database", "Firebase"),
    "firebase-admin": ("database", "Firebase"),
    "py:firebase-admin": ("database", "Firebase"),
    "py:gspread": ("database", "Google Sheets"),
    "redis": ("database", "Redis"),
    "ioredis": ("database", "Redis"),
    "py:redis": ("database", "Redis"),
    "passport": ("auth", "Passport"),
    "next-auth": ("auth", "NextAuth"),
    "better-auth": ("auth", "Better Auth"),
    "@clerk/nextjs": ("auth", "Clerk"),
    "@clerk/clerk-react": ("auth", "Clerk"),
    "@clerk/express": ("auth", "Clerk"),
    "@auth0/auth0-react": ("auth", "Auth0"),
    "@auth0/nextjs-auth0": ("auth", "Auth0"),
    "amazon-cognito-identity-js": ("auth", "Cognito"),
    "keycloak-js": ("auth", "Keycloak"),
    "jsonwebtoken": ("auth", "own JWT"),
    "jose": ("auth", "own JWT"),
    "py:pyjwt": ("auth", "own JWT"),
    "py:python-jose": ("auth", "own JWT"),
    "py:flask-login": ("auth", "Flask-Login"),
    "py:fastapi-users": ("auth", "FastAPI Users"),
    "express-session": ("auth", "server sessions"),
    "vitest": ("tests", "Vitest"),
    "jest": ("tests", "Jest"),
    "@playwright/test": ("tests", "Playwright"),
    "cypress": ("tests", "Cypress"),
    "py:pytest": ("tests", "pytest"),
}

_PATHS: tuple[tuple[str, str, str], ...] = (
    (r"(^|/)\.lovable/", "builder", "Lovable"),
    (r"(^|/)\.bolt/", "builder", "Bolt"),
    (r"(^|/)v0\.json$", "builder", "v0"),
    (r"(^|/)\.emergent/", "builder", "Emergent"),
    (r"(^|/)(\.replit|replit\.md|replit\.nix)$", "builder", "Replit"),
    (r"(^|/)server/replitAuth\.[jt]s$", "auth", "Replit log-in"),
    (r"(^|/)(\.cursor/|\.cursorrules$)", "builder", "Cursor"),
    (r"(^|/)(CLAUDE\.md$|\.claude/)", "builder", "Claude Code"),
    (r"(^|/)package-lock\.json$", "package_managers", "npm"),
    (r"(^|/)pnpm-lock\.yaml$", "package_managers", "pnpm"),
    (r"(^|/)yarn\.lock$", "package_managers", "Yarn"),
    (r"(^|/)bun\.lockb?$", "package_managers", "Bun"),
    (r"(^|/)uv\.lock$", "package_managers", "uv"),
    (r"(^|/)poetry\.lock$", "package_managers", "Poetry"),
    (r"(^|/)Pipfile\.lock$", "package_managers", "Pipenv"),
    (r"(^|/)requirements[\w.-]*\.txt$", "package_managers", "pip"),
    (r"(^|/)prisma/schema\.prisma$", "database", "Prisma"),
    (r"(^|/)drizzle\.config\.[cm]?[jt]s$", "database", "Drizzle"),
    (r"\.(db|sqlite3?)$", "database", "SQLite"),
    (r"^\.github/workflows/[^/]+\.ya?ml$", "ci", "GitHub Actions"),
    (r"^\.gitlab-ci\.yml$", "ci", "GitLab CI"),
    (r"^\.circleci/config\.yml$", "ci", "CircleCI"),
    (r"^(azure-pipelines\.yml|Jenkinsfile|bitbucket-pipelines\.yml)$", "ci", "another CI"),
    (r"(^|/)supabase/migrations/.+\.sql$", "migrations", "Supabase"),
    (r"(^|/)prisma/migrations/.+\.sql$", "migrations", "Prisma"),
    (r"(^|/)drizzle/.+\.sql$", "migrations", "Drizzle"),
    (r"(^|/)(alembic|migrations)/versions/.+\.py$", "migrations", "Alembic"),
    (r"(^|/)migrations/\d{4}_\w+\.py$", "migrations", "Django"),
    (r"(^|/)(db/)?migrations/[^/]+\.sql$", "migrations", "SQL files"),
    (r"(^|/)(vercel\.json|\.vercelignore)$", "hosting", "Vercel"),
    (r"(^|/)netlify\.toml$", "hosting", "Netlify"),
    (r"(^|/)fly\.toml$", "hosting", "Fly.io"),
    (r"(^|/)railway\.(json|toml)$", "hosting", "Railway"),
    (r"(^|/)render\.ya?ml$", "hosting", "Render"),
    (r"(^|/)Procfile$", "hosting", "Heroku"),
    (r"(^|/)firebase\.json$", "hosting", "Firebase"),
    (r"(^|/)wrangler\.(toml|jsonc?)$", "hosting", "Cloudflare"),
    (r"(^|/)(Dockerfile|Containerfile)[^/]*$", "hosting", "a container"),
    (r"(^|/)(docker-)?compose[\w.-]*\.ya?ml$", "hosting", "Compose"),
    (
        r"(\.(test|spec)\.[cm]?[jt]sx?|(^|/)(test_\w+|\w+_test)\.py)$",
        "tests",
        "test files",
    ),
)
_COMPILED = tuple((re.compile(pattern), topic, name) for pattern, topic, name in _PATHS)
_NAME = "(^|/)"
_NAMES = [pattern.removeprefix(_NAME) for pattern, _, _ in _PATHS if pattern.startswith(_NAME)]
_OTHERS = [pattern for pattern, _, _ in _PATHS if not pattern.startswith(_NAME)]
# Most paths show nothing, and are asked once.
_ANY = re.compile("|".join([f"(?:^|/)(?:{'|'.join(_NAMES)})", *_OTHERS]))
_COUNTED = frozenset({"migrations", "tests"})

_TEXTS: tuple[tuple[str, str, str, str], ...] = (
    ("README.md", r"\bv0\.(app|dev)\b", "builder", "v0"),
    ("README.md", r"\blovable\.(dev|app)\b", "builder", "Lovable"),
    ("package.json", r'"name":\s*"my-v0-project"', "builder", "v0"),
    ("index.html", r"lovable\.(dev|app)|gpt-engineer", "builder", "Lovable"),
)


_DRIZZLE_SETTINGS = tuple(f"drizzle.config.{kind}" for kind in ("ts", "js", "mjs", "cjs", "mts"))
_ENGINE = re.compile(
    r"datasource\s+\w+\s*\{[^}]*?\bprovider\s*=\s*\"(?P<prisma>\w+)\""
    r"|\b(?:dialect|driver)[\"']?\s*:\s*[\"'](?P<drizzle>[\w-]+)"
)
_ENGINES = {
    "postgresql": "PostgreSQL", "postgres": "PostgreSQL", "pg": "PostgreSQL",
    "cockroachdb": "PostgreSQL", "mysql": "MySQL", "mysql2": "MySQL", "singlestore": "MySQL",
    "sqlite": "SQLite", "turso": "SQLite", "better-sqlite": "SQLite", "libsql": "SQLite",
    "mongodb": "MongoDB", "sqlserver": "SQL Server", "mssql": "SQL Server",
}  # fmt: skip


def signs(tree: Tree, apps: list[App]) -> Iterator[Fact]:
    yield from _of_dependencies(apps)
    yield from _of_paths(tree, apps)
    yield from _of_texts(tree, apps)
    yield from _of_schemas(tree, apps)
    yield from _of_supabase_auth(tree, apps)


def _of_dependencies(apps: list[App]) -> Iterator[Fact]:
    for app in apps:
        for key, (topic, name) in _DEPENDENCIES.items():
            if found := app.dependencies.get(key):
                yield Fact(topic, name, found.shown_by, app.root, found.version)


def _of_paths(tree: Tree, apps: list[App]) -> Iterator[Fact]:
    first: dict[tuple[str, str, str], str] = {}
    counts: dict[tuple[str, str, str], int] = {}
    for path in tree.files:
        for topic, name in _signs_of(path):
            key = (topic, name, app_of(path, apps))
            first.setdefault(key, path)
            counts[key] = counts.get(key, 0) + 1
    for (topic, name, app), path in first.items():
        count = counts[topic, name, app]
        detail = f"{count} file{'s' * (count > 1)}" if topic in _COUNTED else ""
        yield Fact(topic, name, path, app, detail)


def _signs_of(path: str) -> Iterator[tuple[str, str]]:
    if not _ANY.search(path):
        return
    seen: set[str] = set()
    for pattern, topic, name in _COMPILED:
        # Of several patterns for a migration the first, which is the more exact, counts.
        if pattern.search(path) and not (topic == "migrations" and topic in seen):
            seen.add(topic)
            yield topic, name


def _of_texts(tree: Tree, apps: list[App]) -> Iterator[Fact]:
    for app in apps:
        for name, pattern, topic, builder in _TEXTS:
            path = f"{app.root}/{name}".lstrip("/")
            if path in tree.present and re.search(pattern, tree.text(path) or ""):
                yield Fact(topic, builder, path, app.root)


def _of_schemas(tree: Tree, apps: list[App]) -> Iterator[Fact]:
    """Prisma and Drizzle speak to several databases, and their settings say to which."""
    for path in tree.ending("schema.prisma", *_DRIZZLE_SETTINGS):
        said = _ENGINE.search(tree.text(path) or "")
        if said is not None and (name := _ENGINES.get(said[said.lastgroup or 0])):
            yield Fact("database", name, path, app_of(path, apps))


def _of_supabase_auth(tree: Tree, apps: list[App]) -> Iterator[Fact]:
    """The client does both; that it signs people in shows only in the calls."""
    using = {app.root for app in apps if "@supabase/supabase-js" in app.dependencies}
    for path in tree.ending(".ts", ".tsx", ".js", ".jsx") if using else ():
        app = app_of(path, apps)
        if app in using and re.search(r"\.auth\.(sign|getUser|getSession)", tree.text(path) or ""):
            using.discard(app)
            yield Fact("auth", "Supabase Auth", path, app)
