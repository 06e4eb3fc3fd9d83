"""Parts that stand beside each other: browser and server, features, pages, apps of a monorepo."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from ..breaches import Breach, breaches
from ..code import Code
from ..contracts import PACKAGE, PUBLIC, Contract, Forbidden, Independent
from .model import Proposal, proposed
from .roles import Base

_SIDE = re.compile(
    r"^(?P<folder>(?:(?:apps|packages)/)?(?:"
    r"(?P<browser>client|frontend|web|mobile)|(?P<server>server|backend|api|supabase/functions)"
    r"|(?P<shared>shared)))/"
)
_SCRIPT = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs")
_SECRET = (
    "stripe", "openai", "@anthropic-ai/sdk", "resend", "nodemailer", "@sendgrid/mail", "twilio",
    "firebase-admin", "pg", "mysql2", "mongoose", "mongodb", "@prisma/client", "bcrypt",
    "bcryptjs", "jsonwebtoken",
)  # fmt: skip
_OFTEN_PUBLIC = ("api.*", "service.*", "types.*")
_MOST_KNOWN = 5
_MOST_SHARE = 0.25
_FEATURES = re.compile(r"(^|.*/)(features|modules|domains)/(?=[^/]+/)")
_APPS = re.compile(r"(^|.*/)(apps|packages)/(?=[^/]+/)")


def sides(code: Code, bases: Sequence[Base]) -> Iterator[Proposal]:
    """The browser's code and the server's, where the tree has both as folders of its own."""
    folders = _sides(code, bases)
    browser, server, shared = folders["browser"], folders["server"], folders["shared"]
    if browser and server:
        yield from _forbidden(
            code, "The browser's code imports no server code", browser, server,
            "What is imported from a page is sent to every visitor, with what it holds.",
        )  # fmt: skip
        yield from _forbidden(
            code, "The server imports no code of the browser", server, browser,
            "The server starts and is tested without the front end.",
        )  # fmt: skip
    if shared and (browser or server):
        yield from _forbidden(
            code, "What both sides share imports neither", shared, [*browser, *server],
            "What is shared stays small enough to be sent to every visitor.",
        )  # fmt: skip
    screens = [base for base in bases if base.is_interface and not _is_next(code, base)]
    for base in screens:
        where = f" of {base.folder.rstrip('/')}" if base.folder else ""
        yield from _forbidden(
            code, f"No server package in the front end{where}", base.globs,
            [f"{PACKAGE}{name}" for name in _SECRET],
            "These packages need a secret key or a socket, which no visitor may have.",
        )  # fmt: skip


def _sides(code: Code, bases: Sequence[Base]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {"browser": set(), "server": set(), "shared": set()}
    for path in code.texts:
        match = _SIDE.match(path)
        if match and path.endswith(_SCRIPT):
            kind = next(kind for kind in found if match[kind])
            found[kind].add(f"{match['folder']}/**")
    if not found["browser"]:
        found["browser"] = {
            glob
            for base in bases
            if base.is_interface and base.folder and not _is_next(code, base)
            for glob in base.globs
        }
    return {kind: sorted(globs) for kind, globs in found.items()}


def _is_next(code: Code, base: Base) -> bool:
    return bool(base.named("app")) or any(
        entry.package == "next" and entry.source in base.paths for entry in code.references
    )


def _forbidden(
    code: Code, name: str, source: Sequence[str], target: Sequence[str], protects: str
) -> Iterator[Proposal]:
    contract = Contract(name, "forbidden", Forbidden(tuple(source), tuple(target)))
    proposal = proposed(code, contract, protects)
    if proposal.files <= _MOST_KNOWN:
        yield proposal


def independents(code: Code, bases: Sequence[Base]) -> Iterator[Proposal]:
    """Siblings that leave each other's insides alone."""
    for folder in _holders(code, _FEATURES):
        modules = (f"{folder}/*",)
        yield from _independent(
            code, f"Features of {folder} keep to themselves",
            min(
                (Independent(modules, public) for public in (PUBLIC, (*PUBLIC, *_OFTEN_PUBLIC))),
                key=lambda terms: len(_breaches(code, terms)),
            ),
            "A feature can be changed or removed without another one breaking.",
        )  # fmt: skip
    for folder in _holders(code, _APPS):
        name = f"What is in {folder} keeps to itself"
        public = () if folder.endswith("apps") else ("index.*", "src/index.*", "__init__.py")
        yield from _independent(
            code, name, Independent((f"{folder}/*",), public),
            "Each can be built, tested and released by itself.",
        )  # fmt: skip
    for base in bases:
        for part in base.named("pages", "screens", "views", "routers", "routes"):
            if part.glob.endswith("/**"):
                folder = part.glob.removesuffix("/**")
                yield from _independent(
                    code, f"{part.name.capitalize()} of {folder} know nothing of each other",
                    Independent((f"{folder}/*",), ()),
                    "Each can be changed by itself; what two of them need has a place of its own.",
                )  # fmt: skip


def _breaches(code: Code, terms: Independent) -> list[Breach]:
    return breaches(Contract("", "independent", terms), code)


def _holders(code: Code, pattern: re.Pattern[str]) -> list[str]:
    return sorted({match[0].rstrip("/") for path in code.texts if (match := pattern.match(path))})


def _independent(code: Code, name: str, terms: Independent, protects: str) -> Iterator[Proposal]:
    folder = terms.modules[0].removesuffix("*")
    modules = Counter(
        path.removeprefix(folder).split("/")[0] for path in code.texts if path.startswith(folder)
    )
    proposal = proposed(code, Contract(name, "independent", terms), protects)
    broken = {entry.path.removeprefix(folder).split("/")[0] for entry in proposal.known}
    if len(modules) > 1 and len(broken) <= _MOST_SHARE * len(modules):
        yield proposal
