"""Which apps of a tree a facade could stand before, and what of each is known."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from roadworthy.stack import App, Fact, Stack

_PYTHON = {"FastAPI": "fastapi", "Starlette": "fastapi", "Flask": "flask", "Streamlit": "streamlit"}
_NODE = {"Express", "Fastify", "Hono", "Koa", "NestJS"}
_PAGES = {"Vite", "Create React App", "React", "Vue", "Svelte", "Angular", "Astro"}
_MANAGERS = {
    "npm": "npm", "pnpm": "pnpm", "Yarn": "yarn", "Bun": "bun",
    "uv": "uv", "Poetry": "poetry", "pip": "pip", "Pipenv": "pip",
}  # fmt: skip
_OF_NODE = ("npm", "pnpm", "yarn", "bun")
_OF_PYTHON = ("uv", "poetry", "pip")
_MAPPERS = {"Prisma", "Drizzle"}
OTHER_ENGINES = ("MongoDB", "MySQL", "SQL Server")
"""Databases that no guardrail replays or backs up."""
PYTHON_KINDS = frozenset(_PYTHON.values())
_OPENID_PROVIDERS = {"Auth0", "Clerk", "Cognito", "Keycloak"}


@dataclass(frozen=True)
class Candidate:
    """An app: its folder ("." is the tree's root), kind, and what else the tree shows of it.

    An empty value was not found out. One of `only_pages` is served by another, or by a host.
    """

    app: str
    kind: str
    manager: str
    database: str
    entry: str
    callers: tuple[str, ...] = ()
    only_pages: bool = False

    def answers(self) -> dict[str, object]:
        """What need not be asked any more."""
        found: dict[str, object] = {
            "app": self.app,
            "kind": self.kind,
            "manager": self.manager,
            "entry": self.entry,
            "database": self.database,
            "callers": list(self.callers),
        }
        return {name: value for name, value in found.items() if value or name == "entry"}


def candidates(stack: Stack) -> list[Candidate]:
    """The apps that a caller reaches, what serves others before what is served."""
    found = [it for app in stack.apps if (it := _candidate(app, stack)) is not None]
    order = ("nextjs", "fastapi", "flask", "node", "supabase", "streamlit")
    return sorted(
        found, key=lambda it: (it.only_pages, order.index(it.kind), it.app.count("/"), it.app)
    )


def _candidate(app: App, stack: Stack) -> Candidate | None:
    kind = _kind(app, stack)
    if kind is None:
        return None
    managers = [
        _MANAGERS[fact.name]
        for fact in _of(stack, "package_managers", app)
        if fact.name in _MANAGERS
    ]
    fitting = _OF_PYTHON if kind in PYTHON_KINDS else _OF_NODE
    # Two lock files are the usual mess; npm's and uv's are what a tool of theirs wrote last.
    manager = next((name for name in fitting if name in managers), "")
    entry = _entry(app, stack) if kind in {"fastapi", "flask"} else ""
    database = _database(app, stack)
    return Candidate(
        app=app.root or ".",
        kind=kind,
        manager=manager or ("npm" if fitting is _OF_NODE else "pip"),
        database=database,
        entry=entry,
        callers=_callers(database, stack),
        only_pages=kind == "node" and not _serves(app, stack),
    )


def _kind(app: App, stack: Stack) -> str | None:
    served = {fact.name for fact in _of(stack, "exposed", app)}
    names = set(app.frameworks) | {fact.name for fact in _of(stack, "frameworks", app)}
    for framework, kind in _PYTHON.items():
        if framework in names or f"a {framework} server" in served:
            return kind
    if "Next.js" in names:
        return "nextjs"
    if _serves(app, stack):
        return "node"
    supabase = any(fact.name == "Supabase" for fact in stack.topics.get("database", ()))
    if names & _PAGES and supabase:
        return "supabase"
    return "node" if names & _PAGES else None


def _serves(app: App, stack: Stack) -> bool:
    named = any(fact.name.endswith("server") for fact in _of(stack, "exposed", app))
    return named or bool(_NODE & set(app.frameworks))


def _entry(app: App, stack: Stack) -> str:
    """The server as it is imported from the app's folder, `module:name`."""
    for fact in _of(stack, "exposed", app):
        path = PurePosixPath(fact.shown_by)
        if fact.name.endswith("server") and path.suffix == ".py":
            inside = path.relative_to(app.root) if app.root else path
            module = ".".join(inside.with_suffix("").parts).removeprefix("src.")
            module = module.removesuffix(".__init__")
            if re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", module):
                return f"{module}:{fact.detail or 'app'}"
    return ""


def _database(app: App, stack: Stack) -> str:
    names = {fact.name for fact in _of(stack, "database", app)}
    names = names or {fact.name for fact in stack.topics.get("database", ())}
    if "Supabase" in names:
        return "supabase"
    if "PostgreSQL" in names:
        return "postgresql"
    if "SQLite" in names:
        return "sqlite"
    # To what a mapper speaks may be said in the environment alone; mostly it is PostgreSQL.
    return "postgresql" if names & _MAPPERS and names.isdisjoint(OTHER_ENGINES) else "none"


def _callers(database: str, stack: Stack) -> tuple[str, ...]:
    """What proves who calls, where somebody else's log-in shows; whichever app has it, all may.

    Firebase is a database to most, and says who calls where nothing else does.
    """
    shown = set(stack.names("auth"))
    if not shown & _OPENID_PROVIDERS and (shown or "Firebase" not in stack.names("database")):
        return ()
    return ("supabase", "oidc") if database == "supabase" else ("oidc",)


def _of(stack: Stack, topic: str, app: App) -> list[Fact]:
    return [fact for fact in stack.topics.get(topic, ()) if fact.app == app.root]
