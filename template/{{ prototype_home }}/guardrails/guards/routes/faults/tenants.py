"""Organizations: rows put into whichever one the request names."""

import re
from collections import defaultdict
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.middleware import Access
from ..facts.signs import STORES, TENANT_ID, WEBHOOK_NAME
from ..facts.source import Module
from ..facts.ties import tied
from .say import HIGH, at_route, finding, place

_OF_CALLER = re.compile(
    r"\b(?:req(?:uest)?|session|(?:current|auth)?[uU]ser|admin|auth|ctx|token|payload|decoded|caller"
    rf"|member|claims)\b[\w.?!]*\.({TENANT_ID})\b"
)
_GIVEN = re.compile(rf"\b({TENANT_ID})\s*(?::\s*([^,}}\n]+)|(?=[,}}]))")
_OVER_ALL = re.compile(r"super|platform|system|root|global|internal", re.IGNORECASE)
"""Who looks after all organizations may reach each of them."""
_CHOOSES = re.compile(
    r"switch|join|select|invit|accept|regist|sign-?up|onboard|review|rating|book|appl(?:y|ic)|enquir"
    r"|inquir|contact|visit|follow|favou?rite",
    re.IGNORECASE,
)
"""What is meant for an organization that is somebody else's."""


def tenants(cases: list[Case]) -> Iterator[Finding]:
    apps: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        apps[case.route.app].append(case)
    for of_app in apps.values():
        modules = {piece.module.path: piece.module for case in of_app for piece in case.pieces}
        known = {_plain(found[1]) for one in modules.values() for found in _asked(one)}
        for case in of_app if known else ():
            if _may_be_wrong(case):
                yield from _into(case, known)


def _asked(module: Module) -> Iterator[re.Match[str]]:
    return _OF_CALLER.finditer(module.code)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _may_be_wrong(case: Case) -> bool:
    return (
        case.access in {Access.CALLER, Access.ROLE}
        and case.route.kind in {"server", "next", "action"}
        and not case.bound_by_rows
        and not _OVER_ALL.search(f"{case.route.label} {case.why}")
        and not _CHOOSES.search(case.route.label)
        and not WEBHOOK_NAME.search(case.route.path)
        and not _OF_CALLER.search(case.own)
        and not tied(case)
    )


def _into(case: Case, known: set[str]) -> Iterator[Finding]:
    """`create({ organizationId: req.body.organizationId })`, where the caller has one."""
    for piece in case.pieces[:1]:
        names = case.flow.of(piece)
        for call in piece.module.calls_in(piece.start, piece.end):
            if not STORES.search("." + call.callee) or not call.arguments:
                continue
            given = piece.module.slice(call.arguments[0])
            match = _GIVEN.search(given) if len(given) < 2_500 else None
            if match is None or _plain(match[1]) not in known:
                continue
            value = match[2] or match[1]
            if names.has_sent(value) and not names.has_caller(value):
                message = (
                    f"{case.route.label} knows who is signed in, and writes for whichever "
                    f"{match[1]} the request names"
                )
                where = place(
                    piece.module, call.arguments[0].start + match.start(), case.route.label
                )
                rule = "authz.client-supplied-identity"
                yield finding(rule, where, message, HIGH, [at_route(case)])
                return
