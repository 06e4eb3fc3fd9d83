"""Organizations: rows put into whichever one the request names, and rows of another one."""

import re
from collections import defaultdict
from collections.abc import Iterator

from ...engine.finding import Finding
from .access import Case
from .middleware import Access
from .program import Piece
from .queries import queries, statement, stem, table
from .say import HIGH, at_route, at_spot, finding, place
from .signs import STORES
from .source import Module
from .ties import tied

_ID = (
    r"(?:org(?:ani[sz]ation)?|tenant|company|workspace|clinic|school|restaurant|store|shop|branch"
    r"|hotel|gym|hospital|business|household|team)_?[iI]d"
)
_OF_CALLER = re.compile(
    r"\b(?:req(?:uest)?|session|(?:current|auth)?[uU]ser|admin|auth|ctx|token|payload|decoded|caller"
    rf"|member|claims)\b[\w.?!]*\.({_ID})\b"
)
_GIVEN = re.compile(rf"\b({_ID})\s*(?::\s*([^,}}\n]+)|(?=[,}}]))")
_OVER_ALL = re.compile(r"super|platform|system|root|global|internal", re.IGNORECASE)
"""Who looks after all organizations may reach each of them."""
_CHOOSES = re.compile(r"switch|join|select|invit|accept|regist|sign-?up|onboard", re.IGNORECASE)


def tenants(cases: list[Case]) -> Iterator[Finding]:
    apps: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        apps[case.route.app].append(case)
    for of_app in apps.values():
        modules = {piece.module.path: piece.module for case in of_app for piece in case.pieces}
        known = {_plain(found[1]) for one in modules.values() for found in _asked(one)}
        divided = {name for case in of_app for name in _divided(case)} if known else set()
        for case in of_app if known else ():
            if _may_be_wrong(case):
                yield from _into(case, known)
                yield from _across(case, divided)


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


def _across(case: Case, divided: set[str]) -> Iterator[Finding]:
    """An administrator of one organization names a row of another one."""
    if case.access is not Access.ROLE:
        return
    for one in queries(case):
        if one.alone and not one.inserts and stem(one.table) in divided:
            verb = "changes" if one.writes else "reads"
            message = (
                f"{case.route.label} {verb} {one.table} by their id alone: other routes look at "
                f"the caller's own organization, this one doesn't"
            )
            where = at_spot(one.spot, case.route.label)
            yield finding("authz.idor", where, message, HIGH, [at_route(case)])
            return


def _divided(case: Case) -> Iterator[str]:
    """Tables of which some statement asks for what is of the caller's organization."""
    for piece in case.pieces:
        local = _held(piece)
        for call in piece.module.calls_in(piece.start, piece.end):
            if call.end - call.start > 3_000 or not call.arguments:
                continue
            whole = statement(piece, call)
            own = _OF_CALLER.search(whole) or any(
                re.search(rf"(?<![\w$.]){re.escape(name)}\b", whole) for name in local
            )
            if own and (name := stem(table(whole))):
                yield name


def _held(piece: Piece) -> set[str]:
    """Names that hold the caller's organization: `const { orgId } = await requireAdmin()`."""
    found: set[str] = set()
    for one in piece.module.bindings_in(piece.start, piece.end):
        value = piece.module.slice(one)[:300]
        if _OF_CALLER.search(value):
            found.add(one.names.strip())
        elif re.search(r"\breq\.user\b|\brequire\w*\(|[sS]ession\b", value):
            found |= set(re.findall(rf"\b{_ID}\b", one.names))
    return {name for name in found if re.fullmatch(r"[\w$]+", name)}
