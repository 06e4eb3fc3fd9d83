"""The one place from which the database is reached: which file it is, and who should go there."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from ..code import Code
from ..contracts import PACKAGE, Contract, OnlyThrough
from ..globs import matching
from ..handing import named_package
from .model import Proposal, proposed
from .roles import Base

_FEWEST = 2
_FEW = 0.2
"""Of a server's files, so many may reach for the database themselves, and it is still no habit."""
_DATA_FOLDERS = ("services", "api", "data", "queries", "repositories", "repository", "crud", "dao")
_FUNCTIONS = "supabase/functions/"
_SCREEN = re.compile(r"(^|/)(pages|views|screens|components)/|/(page|layout)\.\w+$")
_UNNAMED = "the database"


@dataclass(frozen=True)
class _Library:
    """A way to a database: what a file says that opens it, and what of a package opens it."""

    name: str
    opens: re.Pattern[str]
    packages: tuple[str, ...]
    python: bool = False


_LIBRARIES = (
    _Library(
        "Supabase",
        re.compile(r"\bcreate(?:Browser|Server|Pages\w+|Client\w+)?Client(?:<[^>]*>)?\("),
        (
            "@supabase/supabase-js#createClient",
            "@supabase/ssr#createBrowserClient,createServerClient",
        ),
    ),
    _Library(
        "Firebase",
        re.compile(r"\bgetFirestore\("),
        ("firebase#getFirestore,collection,doc,getDoc,getDocs,addDoc,setDoc,updateDoc,deleteDoc",),
    ),
    _Library("Prisma", re.compile(r"\bnew PrismaClient\("), ("@prisma/client#PrismaClient",)),
    _Library("Drizzle", re.compile(r"\bdrizzle\("), ("drizzle-orm#drizzle",)),
    _Library("Mongoose", re.compile(r"\bmongoose\.model\("), ("mongoose",)),
    _Library(
        _UNNAMED,
        re.compile(
            r"\bnew (?:Pool|Client|MongoClient)\(|\bneon\(|\bpostgres\(|\bcreatePool\("
            r"|\bnew (?:Database|sqlite3\.Database)\("
        ),
        (
            "pg", "@neondatabase/serverless", "postgres", "mysql2", "better-sqlite3", "sqlite3",
            "mongodb", "@vercel/postgres",
        ),
    ),
    _Library(
        "SQLAlchemy",
        re.compile(r"\b(?:create_engine|create_async_engine|SQLAlchemy)\("),
        (
            "sqlalchemy#create_engine", "sqlalchemy.ext.asyncio#create_async_engine",
            "flask_sqlalchemy#SQLAlchemy", "sqlmodel#create_engine",
        ),
        python=True,
    ),
    _Library(
        "MongoDB",
        re.compile(r"\b(?:AsyncIOMotorClient|MongoClient)\("),
        ("motor.motor_asyncio#AsyncIOMotorClient", "pymongo#MongoClient"),
        python=True,
    ),
    _Library(
        _UNNAMED,
        re.compile(r"\b(?:sqlite3|psycopg2?|asyncpg|aiosqlite)\.(?:connect|create_pool)\("),
        ("sqlite3", "psycopg", "psycopg2", "asyncpg", "aiosqlite"),
        python=True,
    ),
)  # fmt: skip


def clients(code: Code, base: Base) -> Iterator[Proposal]:
    """One contract for all of a base's databases: in a front end always, in a server where it
    nearly holds."""
    names: list[str] = []
    targets: list[str] = []
    packages: list[str] = []
    for library in _LIBRARIES:
        if library.python is not base.is_python:
            continue
        some = _packages(code, base, library)
        files = _opened(code, base, library, some)
        if files or any("#" not in package for package in some):
            names.append(library.name)
            targets += files
            packages += some
    if not names:
        return
    proposal = _contract(code, base, _joined(names), (*dict.fromkeys(targets), *packages))
    size = sum(path.startswith(base.folder) for path in code.texts)
    if base.is_interface or proposal.files <= max(_FEWEST, _FEW * size):
        yield proposal


def _packages(code: Code, base: Base, library: _Library) -> list[str]:
    """Those of its packages that the code has: in the base, or in what the base imports."""
    near = {entry.target for entry in code.references if entry.source.startswith(base.folder)}
    files = {path for path in code.texts if path.startswith(base.folder) or path in near}
    return [
        f"{PACKAGE}{package}"
        for package in library.packages
        if any(
            entry.source in files
            and not entry.source.startswith(_FUNCTIONS)
            and named_package(entry, package.partition("#")[0])
            for entry in code.references
        )
    ]


def _opened(code: Code, base: Base, library: _Library, packages: list[str]) -> list[str]:
    """The files that open it for others: of the base, or imported from it."""
    importing = {
        entry.target
        for entry in code.references
        if entry.source.startswith(base.folder) and not entry.source.startswith(_FUNCTIONS)
    }
    return sorted({
        entry.source
        for entry in code.references
        if entry.source in importing
        and any(named_package(entry, package.removeprefix(PACKAGE)) for package in packages)
        and library.opens.search(code.texts[entry.source])
        and not _SCREEN.search(entry.source)
    })  # fmt: skip


def _joined(names: list[str]) -> str:
    told = [name for name in names if name != _UNNAMED] or [_UNNAMED]
    return " and ".join(dict.fromkeys(told))


def _contract(code: Code, base: Base, name: str, target: tuple[str, ...]) -> Proposal:
    through = [part.glob for part in base.parts if part.holds_queries]
    if base.named("app"):
        through += [f"{base.folder}app/api/**", f"{base.folder}app/**/actions.*"]
    if not base.named(*_DATA_FOLDERS):
        through.append(f"{base.folder}{'services' if base.is_python else 'data'}/**")
    where = f" in {base.folder.rstrip('/')}" if base.folder else ""
    contract = Contract(
        f"{name[:1].upper()}{name[1:]} is asked by data modules alone{where}",
        "only-through",
        OnlyThrough(target, tuple(through), base.globs),
    )
    who = "a page or component" if base.is_interface else "a route"
    return proposed(
        code, contract, f"No new query is written into {who}, where no test or limit can reach it."
    )


def openers(code: Code, own: Sequence[str], said: Sequence[Proposal]) -> Iterator[Proposal]:
    """Where no folder is for it: the one or two files that open a database stay the only ones."""
    inside = matching(own, code.texts)
    held = {name for proposal in said for name in _target(proposal)}
    found: dict[tuple[str, ...], tuple[list[str], list[str]]] = {}
    for library in _LIBRARIES:
        ours = {path for path in inside if path.endswith(".py") is library.python}
        users, packages = _users(code, library, ours)
        if users and not held & set(packages) and len(users) <= _FEWEST and len(users) < len(ours):
            names, target = found.setdefault(users, ([], []))
            names.append(library.name)
            target += packages
    for users, (names, target) in found.items():
        name = _joined(names)
        terms = OnlyThrough(tuple(target), users, tuple(own))
        title = f"{name[:1].upper()}{name[1:]} is opened in {' and '.join(users)} alone"
        yield proposed(
            code, Contract(title, "only-through", terms),
            "One place knows how to reach the database, and can limit, pool and log it.",
        )  # fmt: skip


def _users(
    code: Code, library: _Library, ours: Collection[str]
) -> tuple[tuple[str, ...], list[str]]:
    """Who of our files names what opens it, and the packages that they name."""
    used = {
        (entry.source, package)
        for entry in code.references
        if entry.source in ours and not entry.source.startswith(_FUNCTIONS)
        for package in library.packages
        if named_package(entry, package)
    }
    files = sorted({source for source, _ in used})
    return tuple(files), sorted({f"{PACKAGE}{package}" for _, package in used})


def _target(proposal: Proposal) -> tuple[str, ...]:
    terms = proposal.contract.terms
    return terms.target if isinstance(terms, OnlyThrough) else ()
