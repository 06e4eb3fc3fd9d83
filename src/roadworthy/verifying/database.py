"""An empty PostgreSQL for a prototype that wants one and was given none: it is gone with the copy.

Many a server throws at its first line where `DATABASE_URL` is not set, and would never be asked.
"""

import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .env_files import variables_given
from .workplace import Terms, Workplace

RUN = ("uv", "run", "--quiet", "python", "-m")
"""A module of the fitted service's environment."""

_NAMES = ("DATABASE_URL", "DIRECT_URL", "POSTGRES_URL", "POSTGRES_PRISMA_URL")
_READ = re.compile(rf"(?<![A-Z_])({'|'.join(_NAMES)})(?![A-Z_])")
_DRIVER = re.compile(
    r"[\"'](?:pg|postgres|postgres-js|@neondatabase/serverless|@vercel/postgres)[\"']"
    r"|\b(?:psycopg2?|asyncpg|pg8000)\b|provider\s*=\s*\"postgres"
)
_CODE = frozenset({".py", ".js", ".mjs", ".cjs", ".ts", ".mts", ".tsx", ".prisma"})
_MANIFESTS = re.compile(r"package\.json|pyproject\.toml|requirements[\w.-]*\.txt|.*\.prisma")
_PRUNED = frozenset({
    "node_modules", ".git", ".venv", "venv", "env", "dist", "build", ".next", "__pycache__",
    "site-packages",
})  # fmt: skip
_SAY = 'echo "$DATABASE_URL"'
_SAID = re.compile(r"postgresql://(?P<rest>\S+?:(?P<port>\d+)/\w+)")
_START, _SECONDS = 90, 900
_MOST_BYTES = 300_000


@dataclass(frozen=True)
class Database:
    variables: Mapping[str, str]
    port: int


@contextmanager
def database_for(
    schemes: Mapping[str, str], place: Workplace, service: Path, variables: Mapping[str, str]
) -> Iterator[Database | None]:
    """Serve it by the driver of the fitted `service`, under each name of `schemes`."""
    if not schemes:
        yield None
        return
    kept = [*RUN, "guardrails.postgres", "run", "--", "sh", "-c", f"{_SAY}; exec sleep {_SECONDS}"]
    terms = Terms(_SECONDS, trusted=True, variables=variables)
    with place.start(kept, service, terms) as running:
        running.until(lambda: _SAID.search(running.said) is not None, _START)
        found = _SAID.search(running.said)
        yield _database(schemes, found) if found else None


def schemes_wanted(tree: Path, app: Path, fitted: Collection[Path] = ()) -> Mapping[str, str]:
    """The scheme of each variable in which the code in `app` looks for its PostgreSQL, if no env
    file says where that is. What was `fitted` is not the prototype's.
    """
    read: set[str] = set()
    driver = asynchronous = False
    for file in _files(app, fitted):
        text = _text(file)
        driver = driver or bool(_MANIFESTS.fullmatch(file.name) and _DRIVER.search(text))
        if file.suffix in _CODE:
            read |= set(_READ.findall(text))
            asynchronous = asynchronous or "create_async_engine" in text
    scheme = "postgresql+asyncpg" if asynchronous else "postgresql"
    missing = sorted(read - set(variables_given(tree, app)))
    return dict.fromkeys(missing, scheme) if driver else {}


def _database(schemes: Mapping[str, str], said: re.Match[str]) -> Database:
    variables = {name: f"{scheme}://{said['rest']}" for name, scheme in schemes.items()}
    return Database(variables, int(said["port"]))


def _files(app: Path, fitted: Collection[Path]) -> Iterator[Path]:
    for place, folders, names in os.walk(app):
        folders[:] = sorted(
            it for it in folders if it not in _PRUNED and Path(place, it) not in fitted
        )
        for name in names:
            file = Path(place, name)
            if file.suffix in _CODE or _MANIFESTS.fullmatch(name):
                yield file


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return stream.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
