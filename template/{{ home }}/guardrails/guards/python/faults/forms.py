"""Forms and log-ins: sent by another site, too talkative, with files of any kind and size."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts.access import is_login
from ..facts.handlers import Handler
from ..facts.modules import Module, Project
from ..facts.routes import RouteTable
from ..facts.syntax import (
    called,
    calls_in,
    dotted,
    found,
    place,
    strings_in,
    text_of,
    uses_cookies,
    words_in,
)


def look(table: RouteTable, handlers: list[Handler]) -> Iterator[Finding]:
    yield from _csrf(table, handlers)
    for handler in handlers:
        yield from _tells(handler)
    yield from _any_picture(table.project)
    yield from _on_disk(table.project, handlers)


def _csrf(table: RouteTable, handlers: list[Handler]) -> Iterator[Finding]:
    """Flask asks for no token by itself; Flask-WTF does, form by form or for all of them."""
    project = table.project
    words = {word for module in project.service for word in words_in(module.tree)}
    by_session = uses_cookies(project.service) or project.imports_any("flask_login")
    if not by_session or words & {"CSRFProtect", "SeaSurf", "csrf_protect", "generate_csrf"}:
        return
    open_ = [handler for handler in handlers if _is_plain_form(handler)]
    apps = [
        (router.module, router.call) for router in table.routers.values() if router.maker == "Flask"
    ]
    if open_ and apps:
        first, *others = open_
        yield found(
            "web.csrf", first.module, first.route.line,
            f"{len(open_)} form(s) change data with nothing but the session's cookie, "
            f"{first.route.label} for one.",
            symbol=first.function.name,
            also=[
                *(place(module, call) for module, call in apps),
                *(place(one.module, one.route.line, one.function.name) for one in others[:30]),
            ],
        )  # fmt: skip


def _is_plain_form(handler: Handler) -> bool:
    route = handler.route
    words = words_in(handler.function)
    if route.kind != "flask" or not route.writes or not handler.writes or is_login(route):
        return False
    return route.access != "public" and not words & {"validate_on_submit", "get_json", "json"}


_NO_ACCOUNT = re.compile(
    r"(user|account|e-?mail)\b.{0,20}(not (found|registered|exist)|does ?n.t exist|does not exist)"
    r"|no (user|account)\b|not registered|unknown (user|e-?mail)",
    re.IGNORECASE,
)
_WRONG = re.compile(
    r"(incorrect|wrong|invalid).{0,40}(password|credential)|password.{0,16}(incorrect|wrong|invalid)",
    re.IGNORECASE,
)
_FORGOTTEN = re.compile(r"forg[eo]t|reset_?-?(password|request)|request_?-?reset", re.IGNORECASE)


def _tells(handler: Handler) -> Iterator[Finding]:
    """One answer for a wrong password, and another one for an address without an account."""
    route = handler.route
    name = f"{route.path} {route.function.name}"
    if not route.writes or route.before != "public":
        return
    texts = strings_in(handler.function)
    log_in = re.search(r"log_?-?in|sign_?-?in", name) and any(_WRONG.search(one) for one in texts)
    if not log_in and not _FORGOTTEN.search(name):
        return
    for node in handler.body:
        said = text_of(node) or ""
        if _NO_ACCOUNT.search(said) and not _WRONG.search(said):
            yield found(
                "auth.user-enumeration", handler.module, node,
                f"{route.label} says whether there is an account for an address.",
                symbol=route.function.name,
            )  # fmt: skip
            return


def _any_picture(project: Project) -> Iterator[Finding]:
    """A field of a form that takes any file, saved under the name it came with."""
    for module in project.service:
        for node in module.classes:
            for item in node.body:
                value = item.value if isinstance(item, ast.Assign) else None
                if called(value or item) not in {"FileField", "MultipleFileField"}:
                    continue
                if not {"FileAllowed", "FileSize"} & words_in(item):
                    yield from _saved(project, module, item)


def _saved(project: Project, module: Module, item: ast.stmt) -> Iterator[Finding]:
    assert isinstance(item, ast.Assign)
    name = dotted(item.targets[0])
    for other in project.service:
        for function in other.functions:
            words = words_in(function)
            if name not in words or "allowed_file" in words or "splitext" in words:
                continue
            save = next((call for call in calls_in(function) if called(call) == "save"), None)
            if save is not None:
                yield found(
                    "upload.unchecked", other, save,
                    f"{function.name} saves whatever file the field {name} is given.",
                    symbol=function.name, also=[place(module, item)],
                )  # fmt: skip
                return


_FOLDER = re.compile(r"upload|static|media|public|images?\b|avatars?", re.IGNORECASE)


def _on_disk(project: Project, handlers: list[Handler]) -> Iterator[Finding]:
    """Files of visitors kept beside the program, and no end to how large one may be."""
    capped = any("MAX_CONTENT_LENGTH" in module.text for module in project.service)
    for handler in handlers:
        saves = [call for call in handler.calls if called(call) == "save" and call.args]
        texts = " ".join({*words_in(handler.function), *strings_in(handler.function)})
        if not saves or "files" not in words_in(handler.function) or not _FOLDER.search(texts):
            continue
        yield found(
            "state.local-disk", handler.module, saves[0],
            f"{handler.route.label} keeps what is sent on the disk of this machine.",
            symbol=handler.function.name,
        )  # fmt: skip
        if not capped and handler.route.kind == "flask":
            yield found(
                "upload.unchecked", handler.module, saves[0],
                f"{handler.route.label} takes a file of any size: MAX_CONTENT_LENGTH is not set.",
                severity=Severity.LOW, symbol=handler.function.name,
            )  # fmt: skip
