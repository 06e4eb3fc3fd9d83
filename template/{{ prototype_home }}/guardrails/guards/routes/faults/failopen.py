"""Checks that are skipped when their secret is not set."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.middleware import guard_pieces
from ..facts.program import Piece
from ..facts.signs import (
    HASHED,
    MONEY,
    REFUSES,
    SIGNATURE_HEADER,
    SIGNED,
    WEBHOOK_NAME,
)
from ..facts.source import Module
from .say import CRITICAL, HIGH, MEDIUM, at_route, finding, place


def fail_open(case: Case) -> Iterator[Finding]:
    pieces = list(case.pieces)
    for piece in pieces:
        names = case.flow.of(piece)
        for test in piece.module.conditions:
            if not piece.start <= test.start < piece.end:
                continue
            code = piece.module.slice(test.test).strip("() ")
            then = piece.module.slice(test.then)
            other = piece.module.slice(test.other) if test.other else ""
            secret = _truthy_secret(code, names.secret)
            if (
                secret
                and _skips(code, then, other, names.has_header)
                and not _refused_before(piece.code, secret)
            ):
                at = test.other.start if test.other else test.start
                yield _skipped(case, piece.module, at, test.start, secret)
                return
            if _only_if_sent(piece.code, code, then, other) and names.has_header(code):
                yield _unsent(case, piece.module, test.start, code)
                return


_WITHIN = re.compile(
    r"(?P<given>[\w$.?()'\"-]{1,80})\s*[!=]==?\s*`[^`$\n]{1,20}\$\{\s*(?:process\.env\.(?P<node>\w+)"
    r"|Deno\.env\.get\(\s*['\"](?P<deno>\w+)['\"]\s*\))\s*\}`"
)


_BARE = re.compile(
    r"(?P<given>[\w$.?]{1,60}(?:\[\s*['\"][\w-]+['\"]\s*\])?)\s*!==?\s*process\.env\.(?P<node>\w+)(?!\w|\s*\|\|)"
)
_MAY_BE_LEFT_OUT = re.compile(
    r"\bheaders\s*\[|\bheaders\.(?!get\b)\w+|\breq(?:uest)?\.(?:header|get)\(|\b(?:query|body)\b"
)
"""What Node.js hands on as undefined where it was not sent; `headers.get` of the web is null."""


def unset(case: Case) -> Iterator[Finding]:
    """``header !== `Bearer ${process.env.SECRET}` ``: where it is not set, `Bearer undefined` is
    what opens the door; and nothing at all opens `header !== process.env.SECRET`.
    """
    guards = [one for guard in case.route.guards for one in guard_pieces(case.program, guard)[0]]
    for piece in (*case.pieces, *guards):
        tests = [(one, "the word undefined") for one in _WITHIN.finditer(piece.code)]
        tests += [(one, "none") for one in _BARE.finditer(piece.code) if _left_out(piece, one)]
        for test, what in tests:
            name = test["node"] or test.groupdict().get("deno")
            named = rf"!\s*(?:process\.env\.|Deno\.env\.get\(\s*['\"]){name}\b"
            kept = rf"(?:process\.env\.|Deno\.env\.get\(\s*['\"]){name}\b['\")]*\s*(?:&&|\?|\|\|)"
            if re.search(f"{named}|{kept}", piece.module.code):
                continue
            inside = " inside a text" if what != "none" else ""
            message = (
                f"{case.route.label} compares with {name}{inside}: where it is not set, "
                f"whoever sends {what} passes"
            )
            at = piece.start + test.start()
            said = finding(
                "authz.fail-open", place(piece.module, at, case.route.label), message, MEDIUM
            )
            yield replace(said, detail={"subject": name})
            return


def _left_out(piece: Piece, test: "re.Match[str]") -> bool:
    """Whether what is compared is undefined where the request does not say it."""
    given = test["given"]
    if re.search(rf"!\s*{re.escape(given)}(?![\w$.\[])", piece.code):
        return False
    if _MAY_BE_LEFT_OUT.search(given):
        return True
    return any(
        one.names.strip() == given
        and _MAY_BE_LEFT_OUT.search(value := piece.module.slice(one))
        and not re.search(r"\|\||\?\?|\.(?:replace|split|slice)\(", value)
        for one in piece.module.bindings_in(piece.start, piece.end)
    )


_SIGNATURE = re.compile(r"[\w.]*(?:signature|\bsig\b|hmac)\w*", re.IGNORECASE)


def _only_if_sent(whole: str, code: str, then: str, other: str) -> bool:
    """`if (signature) { … }`: whoever sends none is not checked."""
    if not _SIGNATURE.fullmatch(code) or REFUSES.search(other) or "throw" in other:
        return False
    checks = SIGNED.search(then) or HASHED.search(then)
    refuses = re.search(r"\b40[013]\b|\bthrow\b|[iI]nvalid", then)
    return bool(checks and refuses) and not _refused_before(whole, code)


def _unsent(case: Case, module: Module, at: int, name: str) -> Finding:
    webhook = WEBHOOK_NAME.search(case.route.label) is not None
    rule = "edge-fn.webhook-unsigned" if webhook else "authz.fail-open"
    message = f"{case.route.label} checks `{name}` only when one is sent: whoever sends none passes"
    severity = CRITICAL if webhook and MONEY.search(case.code) else HIGH
    return finding(rule, place(module, at, case.route.label), message, severity, [at_route(case)])


def _truthy_secret(code: str, secrets: set[str]) -> str:
    for part in (one.strip("() ") for one in code.split("&&")):
        if part in secrets or re.fullmatch(
            r"(?:process\.env\.\w*(?:SECRET|TOKEN|KEY|PASSWORD)\w*"
            r"|Deno\.env\.get\(['\"]\w*(?:SECRET|TOKEN|KEY)\w*['\"]\)?)",
            part,
        ):
            return part
    return ""


def _skips(code: str, then: str, other: str, has_header: Callable[[str], bool]) -> bool:
    if "&&" in code and re.search(r"!==?", code) and has_header(code) and REFUSES.search(then):
        return True
    refuses = REFUSES.search(then) or (HASHED.search(then) and _BAD_REQUEST.search(then))
    checks = SIGNED.search(then) or (re.search(r"!==?", then) and refuses and has_header(then))
    if not checks or re.search(r"(?:apikey|api_key)", code, re.IGNORECASE):
        return False
    if re.search(r"JSON\.parse\(|\breq(?:uest)?\.(?:body|json)", other):
        return True
    return not (REFUSES.search(other) or re.search(r"\bthrow\b|status\(?:?\s*5|return\b", other))


_BAD_REQUEST = re.compile(r"\b400\b|\bthrow\b")
"""Whoever's signature is wrong is not always told that they may not."""


def _refused_before(code: str, secret: str) -> bool:
    return (
        re.search(
            rf"if\s*\([^)]*!\s*{re.escape(secret)}\b[^)]*\)+\s*\{{?[^}}]{{0,200}}(?:throw"
            rf"|return|status|exit)",
            code,
        )
        is not None
    )


def _skipped(case: Case, module: Module, at: int, test: int, secret: str) -> Finding:
    webhook = (
        WEBHOOK_NAME.search(case.route.label) or SIGNATURE_HEADER.search(case.own)
    ) is not None
    rule = "edge-fn.webhook-unsigned" if webhook else "authz.fail-open"
    name = _variable(secret, module.code)
    message = f"{case.route.label} skips its check when {name or secret} is not set"
    severity = CRITICAL if webhook and MONEY.search(case.code) else HIGH
    if case.bound_by_rows and not case.sends:
        severity = MEDIUM  # what whoever has the public key may do without this route
    also = [place(module, test), at_route(case)]
    said = finding(rule, place(module, at, case.route.label), message, severity, also)
    # Routes that copied one check of one secret have one fault.
    return said if webhook or not name else replace(said, detail={"subject": name})


def _variable(secret: str, code: str) -> str:
    """The environment's name for what the check compares with."""
    read = r"(?:process\.env\.|Deno\.env\.get\(['\"])(\w+)"
    found = re.match(read, secret) or re.search(rf"\b{re.escape(secret)}\s*=\s*{read}", code)
    return found[1] if found else ""
