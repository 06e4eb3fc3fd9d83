"""Files that people send in, kept in a folder that is served to everybody."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Place, Severity
from ..facts.handlers import Handler
from ..facts.modules import Module, Project
from ..facts.syntax import (
    assigns_in,
    called,
    found,
    keyword,
    place,
    strings_in,
    target_name,
    text_of,
    words_in,
)

_CONFIDENTIAL = re.compile(
    r"(health|medical|lab|test|patient)[_-]?(report|record|file|result)|prescription|recording"
    r"|licen[cs]e|passport|id[_-]?(card|proof|document)|aadhaar|kyc|identity|resume|(^|[/_-])cv([/_-]|$)"
    r"|payslip|bank[_-]?statement|contract",
    re.IGNORECASE,
)
_SAVES = {"save", "copyfileobj", "write", "write_bytes"}
_UNGUESSED = {"uuid4", "token_hex", "token_urlsafe", "uuid"}


def look(handlers: list[Handler]) -> Iterator[tuple[Finding, ast.AST]]:
    """`file.save("static/uploads/licenses/…")`, and Flask serves all that is below `static`."""
    if not handlers:
        return
    served = dict(_served(handlers[0].project))
    for handler in handlers if served else ():
        route = handler.route
        words = words_in(handler.function)
        if not route.writes or not {"UploadFile", "files"} & words or _UNGUESSED & words:
            continue
        texts = set(_texts(handler))
        told = " ".join([route.path, route.function.name, *texts])
        save = next((call for call in handler.calls if called(call) in _SAVES), None)
        folder = next((name for name in served if any(_below(it, name) for it in texts)), None)
        if save is not None and folder is not None and _CONFIDENTIAL.search(told):
            yield found(
                "authz.unauthenticated-endpoint", handler.module, save,
                f"{route.label} keeps what it is sent below {folder}, which is served to "
                "everybody: whoever guesses its name reads it.",
                severity=Severity.HIGH, symbol=route.function.name, also=[served[folder]],
            ), save  # fmt: skip


def _served(project: Project) -> Iterator[tuple[str, Place]]:
    """The folders of which everything is served, and where that is said."""
    for module in project.service:
        for call in module.calls:
            if called(call) == "StaticFiles":
                named = text_of(keyword(call, "directory"))
            elif called(call) == "Flask":
                given = keyword(call, "static_folder")
                named = "static" if given is None else text_of(given)
            else:
                continue
            if named:
                yield named.strip("./"), place(module, call)


def _texts(handler: Handler) -> Iterator[str]:
    """What a handler says of paths, and what the names stand for that it uses."""
    yield from strings_in(handler.function)
    used = words_in(handler.function) | strings_in(handler.function)
    yield from _kept(handler.module, used)


def _kept(module: Module, used: set[str]) -> Iterator[str]:
    for target, value in assigns_in(ast.Module(module.tree.body, [])):
        if target_name(target) in used and target_name(target).isupper():
            yield from strings_in(value)


def _below(text: str, folder: str) -> bool:
    path = text.removeprefix("./").strip("/")
    return path == folder or path.startswith(f"{folder}/")
