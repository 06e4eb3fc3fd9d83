"""How servers are run: limits, health, state in memory, routes said twice."""

import re
from collections import defaultdict
from collections.abc import Iterator

from ....engine.finding import Finding, Place
from ..facts.access import Case
from ..facts.middleware import Access
from ..facts.program import Program
from ..facts.signs import HEALTH_PATH, LIMITS, LOGIN_PATH, OPTIONAL_PASSWORD
from ..facts.source import Module
from .say import HIGH, MEDIUM, at_route, finding, place

_ENTRY = re.compile(r"/(?:register|sign-?up|forgot-?\w*|reset-?password)/?$", re.IGNORECASE)
_LIMIT = re.compile(r"\b(?:max|limit)\s*:\s*(\d[\d_]*)")
_LAN = re.compile(r"\bskip\b[\s\S]{0,400}?(?:192\.168|10\.|startsWith\(['\"](?:10|172|192))")
_STATE = re.compile(r"^(?:new\s+(?:Map|Set)\s*(?:<[\s\S]*?>)?\(\s*\)|\[\s*\]|\{\s*\})\s*$")
_SENT_KEY = re.compile(
    r"\b(?:sk_?key|secret_?key|api_?secret|private_?key|access_?token|refresh_?token"
    r"|stripe_?secret\w*|api_?key)\b",
    re.IGNORECASE,
)
_NO_LONGER_GOOD = re.compile(r"(?:black|block|deny)_?list|revoked|invalidated", re.IGNORECASE)
_FAKE = re.compile(r"\b[\w.]*(?:[eE]mail|[pP]hone)\w*\s*=\s*['\"][\w.+-]+@[\w.-]+['\"]")
_FAKE_CATCH = re.compile(
    r"\bcatch\s*(?:\([^)]*\))?\s*\{[^{}]*(?:return|res\.json\(|\.json\()[^{}]*\b(?:mock|fake"
    r"|dummy|sample|fallback)(?:Data|_data|Users?|Items?|Products?|[A-Z]\w*)"
)


def operations(program: Program, cases: list[Case]) -> Iterator[Finding]:
    apps: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        apps[case.route.app if case.route.kind != "edge" else f"{case.route.app}|edge"].append(case)
    for of_app in apps.values():
        yield from _unlimited(of_app)
        yield from _unhealthy(of_app)
        yield from _twice(of_app)
    modules = {piece.module.path: piece.module for case in cases for piece in case.pieces}
    for module in _servers(program, cases, modules):
        yield from _limits(module)
    for module in modules.values():
        yield from _state(module)
        yield from _fakes(module)
    for case in cases:
        yield from _plain(case)


def _servers(program: Program, cases: list[Case], modules: dict[str, Module]) -> list[Module]:
    found = dict(modules)
    for case in cases:
        for one in case.route.guards:
            found[one.module.path] = one.module
            name = re.match(r"[\w$]+", one.code)
            there = program.find(one.module, name[0]) if name else None
            if there:
                found[there[0].path] = there[0]
    return list(found.values())


_COMPARES = re.compile(
    r"compare|verif|sign_?in|authenticat|hash|find|select|query|fetch|login\(|password\w*\s*[!=]==",
    re.IGNORECASE,
)
"""A log-in that lets everybody in has nothing to be guessed."""
_ELSEWHERE = re.compile(r"\bauth\.signInWith(?:Password|Otp)\(|\bsignInWithEmailAndPassword\(")
"""The provider counts the tries, and its public key lets anybody ask it directly."""


def _unlimited(cases: list[Case]) -> Iterator[Finding]:
    """One of an application: the log-in, else what costs money for each call."""
    login = [
        case
        for case in cases
        if LOGIN_PATH.search(case.route.path)
        and case.access is not Access.ROLE
        and case.route.writes
        and case.route.kind != "action"
        and (OPTIONAL_PASSWORD.search(case.code) or re.search(r"\bpassword\b", case.own))
        and _COMPARES.search(case.code)
        and not _ELSEWHERE.search(case.code)
    ]
    open_ = [case for case in login if not _limited(case)]
    if open_:
        message = (
            f"{open_[0].route.label} may be tried without end: nothing limits how "
            f"often a password is guessed"
        )
        others = [at_route(case) for case in open_[1:]]
        yield finding("ops.no-rate-limit", at_route(open_[0]), message, HIGH, others)
    guessed = [case for case in cases if case not in login and _by_code(case)]
    if guessed:
        message = (
            f"{guessed[0].route.label} may be tried without end: a code of a few digits is soon "
            f"guessed"
        )
        others = [at_route(case) for case in guessed[1:]]
        yield finding("ops.no-rate-limit", at_route(guessed[0]), message, HIGH, others)
    entries = [case for case in cases if _is_entry(case) and not _limited(case)]
    if entries and not login:
        message = f"{entries[0].route.label} may be called without end: nothing limits how often"
        others = [at_route(case) for case in entries[1:]]
        yield finding("ops.no-rate-limit", at_route(entries[0]), message, MEDIUM, others)
    elif dear := [case for case in cases if case not in login and _dear(case)]:
        costs = next(name for name, _ in dear[0].effects() if name in _COSTS)
        message = (
            f"{dear[0].route.label} costs money for each call ({costs}), and "
            f"nothing limits how often it is called"
        )
        others = [at_route(case) for case in dear[1:]]
        yield finding("ops.no-rate-limit", at_route(dear[0]), message, MEDIUM, others)


_SHORT_CODE = re.compile(
    r"^(?:otp|\w*[a-z]Otp|\w*otp_?code|(?:verification|reset|confirmation|email|sms)_?[cC]ode)$"
)
_DIGITS = re.compile(r"\.length\(\s*[4-6]\b|\\d\{[4-6]\}|\.length\s*!==?\s*[4-6]\b")
_CODE_PATH = re.compile(r"otp|verif|reset|confirm|code", re.IGNORECASE)
_TRIES = re.compile(r"attempts|tries|locked|lockout", re.IGNORECASE)


def _by_code(case: Case) -> bool:
    """A code that was sent to somebody is compared, as often as anybody likes."""
    if case.access is not Access.PUBLIC or not case.route.writes or not case.pieces:
        return False
    sent = case.flow.of(case.pieces[0]).sent
    return (
        (
            any(map(_SHORT_CODE.match, sent))
            or ("code" in sent and _DIGITS.search(case.code) is not None)
        )
        and _CODE_PATH.search(case.route.path) is not None
        and not _TRIES.search(case.code)
        and not _limited(case)
    )


_COSTS = {"llm", "mail", "message"}


def _dear(case: Case) -> bool:
    """It costs something for each call, and a stranger, or for a model any account, may call it."""
    costs = {name for name, _ in case.effects()} & _COSTS
    anybody = case.access is Access.PUBLIC or (case.access is Access.CALLER and "llm" in costs)
    return bool(costs) and anybody and case.route.known and not _limited(case)


def _is_entry(case: Case) -> bool:
    return (
        case.route.writes
        and case.access is Access.PUBLIC
        and _ENTRY.search(case.route.path) is not None
        and re.search(r"(?i)password|e_?mail", case.own) is not None
    )


def _limited(case: Case) -> bool:
    return (
        any(LIMITS.search(one.code) for one in case.route.guards)
        or LIMITS.search(case.code) is not None
        or LIMITS.search(case.route.module.code) is not None
        or any(
            LIMITS.search(one.module.code)
            for one in case.route.guards
            if one.module is not case.route.module
        )
    )


def _unhealthy(cases: list[Case]) -> Iterator[Finding]:
    servers = [case for case in cases if case.route.kind in {"server", "nest"}]
    if len(servers) < 3 or any(HEALTH_PATH.search(case.route.path) for case in cases):
        return
    entry = next(
        (
            module
            for module in [one.module for case in servers for one in case.route.guards]
            + [case.route.module for case in servers]
            if ".listen(" in module.code
        ),
        servers[0].route.module,
    )
    message = f"None of {len(servers)} routes says whether the server is well"
    yield finding("ops.no-health-endpoint", Place(entry.path), message, MEDIUM)


def _twice(cases: list[Case]) -> Iterator[Finding]:
    seen: dict[tuple[str, str, str], Case] = {}
    for case in sorted(cases, key=lambda one: (one.route.module.path, one.route.at)):
        route = case.route
        if (
            route.kind not in {"server", "nest"}
            or route.method == "ALL"
            or route.path in {"/*", "/"}
        ):
            continue
        key = (route.method, re.sub(r":\w+", ":", route.path).rstrip("/"), route.module.path)
        first = seen.setdefault(key, case)
        if first is not case and _same_level(first, case):
            message = (
                f"{route.label} is registered again (first in line "
                f"{first.route.line}): the second never runs"
            )
            yield finding("bug.duplicate-route", at_route(case), message, None, [at_route(first)])


def _same_level(first: Case, second: Case) -> bool:
    """Not in two branches of an `if`, nor in two functions of which one is called."""
    module = first.route.module

    def around(at: int) -> list[tuple[int, int]]:
        spans = [(one.start, one.end) for one in module.functions]
        spans += [(one.then.start, one.then.end) for one in module.conditions]
        return [span for span in spans if span[0] < at < span[1]]

    return around(first.route.at) == around(second.route.at)


_BY_HEADER = re.compile(
    r"keyGenerator\s*:(?:(?!\breq\w*\.ip\b)[^;]){0,160}x-forwarded-for", re.IGNORECASE
)


_OWN_LIMIT = re.compile(r"\bheaders\[\s*['\"]x-forwarded-for['\"]\s*\]", re.IGNORECASE)
_COUNTS_IN = re.compile(r"\bnew\s+Map\b")


def _own_limit(module: Module) -> Iterator[Finding]:
    """A limit of the program's own that takes the first address of the header for the caller's."""
    named = _OWN_LIMIT.search(module.code)
    limits = "429" in module.code and _COUNTS_IN.search(module.code)
    if named and limits and not re.search(r"\.at\(-1\)|\.pop\(\)", module.code):
        yield finding(
            "ops.rate-limit-ineffective",
            place(module, named.start()),
            "the limit counts by a header that whoever calls writes: with another address in "
            "each request it is never reached",
        )


def _limits(module: Module) -> Iterator[Finding]:
    yield from _own_limit(module)
    for call in module.calls:
        if not re.fullmatch(
            r"(?:rateLimit|expressRateLimit|RateLimit|limiter|rateLimiter)", call.callee
        ):
            continue
        code = module.slice(call)
        most = _LIMIT.search(code)
        lan = _LAN.search(code)
        minutes = re.search(r"windowMs\s*:\s*(\d+)\s*\*\s*60\s*\*\s*1000", code)
        over = (
            most
            and int(most[1].replace("_", "")) >= 1_000
            and (not minutes or int(minutes[1]) <= 60)
        )
        header = _BY_HEADER.search(code)
        if header:
            yield finding(
                "ops.rate-limit-ineffective",
                place(module, call.start + header.start()),
                "the limit counts by a header that whoever calls writes: with another address in "
                "each request it is never reached",
            )
        elif over or lan:
            at = call.start + (most.start() if most and over else lan.start() if lan else 0)
            what = (
                f"{most[1]} requests"
                if most and over
                else "no limit for addresses of a local network, which is everybody behind a proxy"
            )
            yield finding(
                "ops.rate-limit-ineffective",
                place(module, at),
                f"The rate limit stops nobody: {what}",
                MEDIUM,
                [place(module, call.start)],
            )


def _state(module: Module) -> Iterator[Finding]:
    for name, binding in module.outer_values.items():
        value = module.slice(binding)
        if (
            len(value) > 200
            or not _STATE.match(value.strip())
            or re.search(r"(?i)cache|memo|registry|handlers|routes|clients?$|plugins", name)
        ):
            continue
        changed = re.search(
            rf"(?<![\w$.]){re.escape(name)}(?:\.(?:set|push|add|delete|unshift)\("
            rf"|\[[^\]]+\]\s*=[^=])",
            module.code,
        )
        if changed and any(one.start < changed.start() < one.end for one in module.functions):
            message = (
                f"{name} lives in the memory of one process: a restart loses it, and "
                f"a second replica has another"
            )
            yield finding("state.in-process", place(module, binding.at, name), message, MEDIUM)
    for call in module.calls:
        if call.callee == "session" and call.arguments and "express-session" in module.text:
            code = module.slice(call)
            if not re.search(r"\bstore\b", code):
                yield finding(
                    "state.in-process",
                    place(module, call.start),
                    "Sessions live in the memory of one process (MemoryStore)",
                    MEDIUM,
                )


def _fakes(module: Module) -> Iterator[Finding]:
    hits = [*_FAKE_CATCH.finditer(module.code), *_FAKE.finditer(module.code)]
    match = hits[0] if hits else None
    if match and not re.search(r"(?i)seed|mock|test|script", module.path):
        yield finding(
            "data.fake-fallback",
            place(module, match.start()),
            "When the real data can't be had, invented data is shown",
            MEDIUM,
            [place(module, one.start()) for one in hits],
        )


def _plain(case: Case) -> Iterator[Finding]:
    """Somebody's secret key, from the request, goes into the database as it came."""
    if (
        not case.pieces
        or case.access in {Access.PUBLIC, Access.SIGNATURE}
        or re.search(r"(?i)encrypt|cipher|vault|\bseal|hash", case.code)
    ):
        return
    piece = case.pieces[0]
    names = case.flow.of(piece)
    for call in piece.module.calls_in(piece.start, piece.end):
        if (
            not re.search(r"\.(?:create|insert|update|upsert|run|save|set|values)\w*$", call.callee)
            or not call.arguments
        ):
            continue
        given = " ".join(piece.module.slice(one) for one in call.arguments)
        match = _SENT_KEY.search(given)
        if (
            match
            and match[0] in names.sent
            and len(given) < 2_000
            and not _NO_LONGER_GOOD.search(call.callee)
            and not re.search(
                r"(?i)^(?:res|console|oauth|client|headers|formData|params)", call.callee
            )
        ):
            also = [
                place(piece.module, one.start())
                for one in re.finditer(rf"\.{re.escape(match[0])}\b", piece.module.code)
            ]
            message = (
                f"{case.route.label} stores {match[0]} as it came: whoever reads the "
                f"database has the key"
            )
            yield finding(
                "data.sensitive-plaintext",
                place(piece.module, call.start, match[0]),
                message,
                HIGH,
                also,
            )
            return
