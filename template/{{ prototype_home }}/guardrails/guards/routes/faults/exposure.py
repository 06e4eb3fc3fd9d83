"""Administrators who are written into the code, and people whose addresses are handed out."""

import re
from collections.abc import Iterator
from dataclasses import replace

from ....engine.finding import Finding, Place
from ..facts.access import Case
from ..facts.flow import secret_env
from ..facts.meant import not_in_production
from ..facts.middleware import Access
from ..facts.program import CODE
from ..facts.signs import ASKS_CALLER
from ..facts.source import Module
from .say import CRITICAL, HIGH, MEDIUM, at_route, at_spot, finding, place

_PRINCIPAL = re.compile(
    r"(?:user_?id|\buser\.id|req\.user\.id|\buid|\bid)\b\s*(?:[!=]==?)\s*['\"]?1\b(?!\d)"
    r"|email\??\s*(?:\?\.toLowerCase\(\))?\s*[!=]==?\s*['\"][\w.+-]+@[\w.-]+['\"]"
    r"|['\"][\w.+-]+@[\w.-]+['\"]\s*[!=]==?\s*[\w.?]*email"
    r"|\b\w{0,24}admin_?emails?\s*(?::\s*[\w\[\]]+\s*)?=\s*(?:new Set\()?\[?\s*"
    r"(?:\(?\s*process\.env\.\w+\s*(?:\|\||\?\?)\s*)?['\"][\w.+-]+@[\w.-]+['\"]",
    re.IGNORECASE,
)
_PERSON = re.compile(
    r"\b\w+\.(?:email|phone)\w*\s*=\s*\w*(?:user|owner|seller|customer|author|host"
    r"|member)\w*\??\.(?:email|phone)"
    r"|\b(?:\w*[eE]mail|\w*[pP]hone)\w*\s*:\s*\w*(?:user|owner|seller|customer|author|host"
    r"|member)\w*\??\.(?:email|phone)"
    r"|\bSELECT\b[^;`]*\b(?:u|users?|owner|o)\.(?:email|phone)\b[^;`]*\bJOIN\s+users"
    r"|\b(?:profiles?|users?|owner|seller)(?:![\w]+)?\s*\([^)]*\b(?:email|phone)\b"
    r"|\.populate\(\s*['\"]\w+['\"]\s*,\s*['\"][^'\"]*(?<!-)\b(?:email|phone)\b"
    r"|\b(?:user|owner|seller|author|host|member|organi[sz]er|customer|resident|tenant|instructor"
    r"|seller|buyer|renter|reviewer|student|patient|guest|creator|created_?[bB]y|reporter|uploader)"
    r"\s*:\s*\{\s*select\s*:\s*\{[^{}]*\b(?:email|phone(?:_?[nN]umber)?)\s*:\s*true"
)
_ME = re.compile(
    r"/(?:me|profile|self|login|log-in|check|verify|logout|session|status|auth|callback)\b",
    re.IGNORECASE,
)


AT_THE_PROVIDER = re.compile(
    r"\b(?:paymentIntents|checkout\.sessions|charges|paymentLinks)\.retrieve\("
    r"|/transactions?/verify(?:_by_reference)?\b"
)
"""Who has the id of a payment, which nobody can guess, has paid it."""


_WITH_PASSWORD = re.compile(r"\s*&&\s*[\w.]*[pP]ass\w*\s*===?\s*['\"]")
_ADDRESS = re.compile(r"[\w.+-]+@[\w.-]+")


def principal(cases: list[Case]) -> Iterator[Finding]:
    """An account that is named in several files is one fault."""
    found: dict[str, list[Place]] = {}
    for module, match in _principals(cases):
        address = _ADDRESS.search(match[0])
        about = address[0] if address else " ".join(match[0].split())[:60]
        found.setdefault(about, []).append(place(module, match.start()))
    for about, (first, *others) in found.items():
        message = f"One account, written into the code, is the administrator: {about}"
        # Who calls was asked all the same, where only a list of addresses is compared with it.
        severity = MEDIUM if re.search(r"(?i)admin_?emails?\b", first.snippet) else None
        yield finding("authz.hardcoded-principal", first, message, severity, others)


def _principals(cases: list[Case]) -> Iterator[tuple[Module, "re.Match[str]"]]:
    seen: set[str] = set()
    for case in cases:
        modules = [piece.module for piece in case.pieces] + [
            one.module for one in case.route.guards
        ]
        modules += [
            found for one in case.route.guards for found in _home(case, one.code, one.module)
        ]
        for module in modules:
            if module.path in seen:
                continue
            seen.add(module.path)
            for match in _PRINCIPAL.finditer(module.code):
                if not _decides(module, match[0]) or _never_made(case, module, match.start()):
                    continue
                if _WITH_PASSWORD.match(module.code, match.end()):
                    continue  # an account that everybody knows, which is said by itself
                around = module.text[max(0, match.start() - 300) : match.end() + 300]
                if re.search(r"(?i)admin|403|forbidden|superuser|owner", around) and not re.search(
                    r"(?i)count|seed|test", around
                ):
                    yield module, match
                    break


def _decides(module: Module, matched: str) -> bool:
    """Whether a constant is compared with anything: many only say where a letter goes."""
    named = re.match(r"(\w*admin_?emails?)\b", matched, re.IGNORECASE)
    if named is None:
        return True
    name = re.escape(named[1])
    compared = rf"[!=]==?\s*{name}\b|\b{name}\s*[!=]==?|\b{name}\.(?:includes|has|some|indexOf)\("
    return re.search(compared, module.code) is not None


def _never_made(case: Case, module: Module, at: int) -> bool:
    """Whether it stands in a class that nothing makes, as the storage of a template often is."""
    above = module.code[:at]
    classes = list(re.finditer(r"^(?:export\s+)?class\s+(\w+)", above, re.MULTILINE))
    if not classes or re.search(r"^\}", above[classes[-1].end() :], re.MULTILINE):
        return False
    made = re.compile(rf"\bnew\s+{classes[-1][1]}\b|\bextends\s+{classes[-1][1]}\b")
    paths = (path for path in case.program.tree.files if path.endswith(CODE))
    return not any(made.search(case.program.text(path) or "") for path in paths)


def _home(case: Case, code: str, module: Module) -> list[Module]:
    name = re.match(r"[\w$.]+", code)
    found = case.program.function(module, name[0]) if name else None
    return [found[0]] if found else []


def people(cases: list[Case]) -> Iterator[Finding]:
    """One of a file: who leaves the address out of the list leaves it out of the page, too."""
    told: dict[str, Finding] = {}
    for case in cases:
        for one in _person(case):
            first = told.setdefault(one.place.path, one)
            if first is not one:
                also = (*first.also, one.place, *one.also)
                told[one.place.path] = replace(first, also=tuple(dict.fromkeys(also)))
    yield from told.values()


_HANDED_ON = 3
"""A controller hands what its service has read on as it is."""


def _person(case: Case) -> Iterator[Finding]:
    """A public page that hands out how to reach somebody."""
    if (
        case.access is not Access.PUBLIC
        or case.route.method not in {"GET", "ALL"}
        or not case.route.known
        or case.bound_by_rows
        or not_in_production(case)
    ):
        return
    for piece in case.pieces[: 1 if case.sends else _HANDED_ON]:
        match = _PERSON.search(piece.code)
        if not match or ASKS_CALLER.search(piece.code) or _ME.search(case.route.path):
            continue
        if not AT_THE_PROVIDER.search(piece.code):
            message = (
                f"{case.route.label} needs no sign-in and returns the e-mail address "
                f"or telephone number of a user"
            )
            at = piece.start + match.end() - 1
            yield finding(
                "authz.pii-exposed",
                place(piece.module, at, case.route.label),
                message,
                HIGH,
                [at_route(case)],
            )


_TOKEN_URL = re.compile(
    r"['\"`][^'\"`\n]*oauth[^'\"`\n]*(?:token|generate|grant_type)", re.IGNORECASE
)
_AS_IT_CAME = re.compile(
    r"\bjson\(\s*\w+(?:\.data)?(?:\.access_?[tT]oken)?\s*\)|\baccess_?[tT]oken\s*[,}:]"
)


def provider_token(case: Case) -> Iterator[Finding]:
    """The server's own token at a provider, for whoever asks: they act in its name there."""
    if case.access is not Access.PUBLIC or not case.route.known or case.sends:
        return
    spot = case.first(_TOKEN_URL, own=True)
    if spot is None or not secret_env(case.own) or re.search(r"\bcode\b", case.own):
        return
    if _AS_IT_CAME.search(case.own, case.own.find("oauth")) and case.route.method == "GET":
        message = f"{case.route.label} hands the server's own token at a provider to anybody"
        rule = "authz.unauthenticated-endpoint"
        yield finding(rule, at_route(case), message, CRITICAL, [at_spot(spot, case.route.label)])
