"""Routes that ask nobody: without authentication, switched off, unsigned, or open when unset."""

import re
from collections import defaultdict
from collections.abc import Iterator

from ...engine.finding import Evidence, Finding, Place, Severity
from .access import Access, Case, Spot
from .platforms import EdgeProject
from .queries import Query, queries
from .say import CRITICAL, HIGH, LOW, MEDIUM, at_route, at_spot, finding, place
from .signs import (
    ADMIN_PATH,
    ASKS_CALLER,
    BATCH_NAME,
    DELETES,
    GUARD_NAME,
    LLM,
    MAIL,
    MESSAGE,
    MONEY,
    NO_GUARD_NAME,
    PEOPLE,
    PERSONAL,
    PUBLIC_PATH,
    REFUSES,
    SIGNED,
    WEBHOOK_NAME,
)
from .source import Module

_BODY = re.compile(
    r"\b(?:req|request|_req|c\.req|event)\.(?:json|text|formData|body|parseBody)\b|\bJSON\.parse\(|readJson"
)
_RPC = re.compile(r"\.rpc\(")
_DISABLED_USE = re.compile(
    r"^//+\s*(?:@UseGuards\(|\w*(?:[rR]outer|app|server|fastify|api)\w*\.use\(\s*(?:['\"`][^'\"`]*['\"`]\s*,\s*)?)(.*)"
)
_DISABLED_LINE = re.compile(
    r"^//+\s*(?:const\b[^;]*(?:getUser|getSession|getServerSession|\bauth\(\)|verifyToken|jwt\.verify|requireAuth|currentUser)"
    r"|if\s*\(\s*!\s*(?:user|session|userId|token|req\.user|isAdmin|isAuthenticated)\b"
    r"|(?:await\s+)?(?:requireAuth|requireUser|requireAdmin|authenticate|verifyAuth)\w*\()"
)
_CONFIG_KEYS = {"enabled", "verify_jwt", "import_map", "entrypoint", "static_files", "env"}
_SECTIONS = {
    "api", "db", "realtime", "studio", "inbucket", "local_smtp", "storage", "auth", "functions", "edge_runtime",
    "analytics", "experimental", "project_id", "remotes", "billing", "workflows", "pooler", "vector",
}  # fmt: skip
_TENANT = re.compile(
    r"(?:company|compan|organi[sz]ation|org|tenant|team|workspace|user|customer|client|account|store|owner|producer)_?i?d?s?$",
    re.I,
)


def holes(cases: list[Case], projects: list[EdgeProject]) -> Iterator[Finding]:
    disabled = list(_disabled(cases))
    yield from disabled
    told = {(one.place.path) for one in disabled}
    edges = [case for case in cases if case.route.kind == "edge"]
    for case in edges:
        yield from _edge(case, projects)
    others = [case for case in cases if case.route.kind != "edge"]
    yield from _open(others, told)
    for case in cases:
        yield from _fail_open(case)
    for project in projects:
        yield from _config(project)


def _disabled(cases: list[Case]) -> Iterator[Finding]:
    files: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        files[case.route.module.path].append(case)
    for of_file in files.values():
        module = of_file[0].route.module
        public = [case for case in of_file if case.access is Access.PUBLIC]
        for comment in module.comments:
            text = module.text[comment.start : comment.end]
            code = _switched_off(module, comment.start, text, public)
            if code and public:
                message = f"The check {code} is commented out: {_names(public)} ask{'s' if len(public) == 1 else ''} nobody"
                also = [at_route(case) for case in public]
                yield finding(
                    "authz.disabled", place(module, comment.start, code), message, also=also
                )
                break


def _switched_off(module: Module, at: int, text: str, public: list[Case]) -> str:
    if match := _DISABLED_USE.match(text):
        name = match[1].strip().rstrip(";").removesuffix(")")
        return name[:60] if _guards(name) else ""
    inline = re.fullmatch(
        r"/\*\s*([\w$.,\s()'\"]{3,60}?),?\s*\*/|//\s*([\w$.]+(?:\([^()]*\))?),\s*", text
    )
    if inline and _guards(name := (inline[1] or inline[2]).strip().rstrip(",")):
        near = [
            case
            for case in public
            if 0 <= at - case.route.at < 300 or abs(module.line(at) - case.route.line) <= 3
        ]
        return name if near and case_is_list(module, at) else ""
    if _DISABLED_LINE.match(text) and any(
        piece.module is module and piece.start <= at < piece.end
        for case in public
        for piece in case.pieces
    ):
        return text.lstrip("/ ")[:60]
    return ""


def case_is_list(module: Module, at: int) -> bool:
    """Whether the comment stands between the arguments of a call, not behind a statement."""
    before = module.code[max(0, at - 200) : at].rstrip()
    return before.endswith((",", "(", "["))


def _guards(name: str) -> bool:
    return bool(GUARD_NAME.search(name)) and not NO_GUARD_NAME.search(name) and "//" not in name


def _names(cases: list[Case]) -> str:
    names = [case.route.label for case in cases]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _edge(case: Case, projects: list[EdgeProject]) -> Iterator[Finding]:
    if case.access is not Access.PUBLIC or case.token_in_hand:
        return
    found = _edge_hole(case)
    if found is None:
        return
    yield found
    for project in projects:
        line = project.unchecked.get(case.route.name)
        if line and case.route.module.path.startswith(project.path.removesuffix("config.toml")):
            snippet = project.text.splitlines()[line - 1].strip()
            yield finding(
                "edge-fn.verify-jwt-disabled",
                Place(project.path, line, line, snippet, case.route.name),
                f"verify_jwt is off for {case.route.name}, and the function checks nobody by itself",
                found.severity,
                [at_route(case)],
                Evidence.EXACT if found.severity is None else Evidence.READ,
            )


def _edge_hole(case: Case) -> Finding | None:
    name = case.route.name
    effects = dict(case.effects())
    body = case.first(_BODY)
    changes = effects.get("delete") or effects.get("write")
    if WEBHOOK_NAME.search(name) and body:
        if not (case.service and changes or "message" in effects or "mail" in effects):
            return None
        message = f"The webhook {name} trusts whatever is posted: no signature or secret is checked"
        return finding(
            "edge-fn.webhook-unsigned",
            at_spot(body, name),
            message,
            CRITICAL if changes else HIGH,
            [at_route(case)],
        )
    if relay := _relay(case):
        return relay
    if case.service and (hole := _edge_record(case)):
        return hole
    return _edge_effects(case, effects, body)


def _relay(case: Case) -> Finding | None:
    """Mail to whoever the request names."""
    if PUBLIC_PATH.search(case.route.label) and not re.search(
        r"(?i)send-?e?mail", case.route.label
    ):
        return None
    for piece in case.pieces:
        names = case.flow.of(piece)
        for match in MAIL.finditer(piece.code):
            around = piece.code[match.start() : match.start() + 1_500]
            to = re.search(r"\b(?:to|email|recipients?)\s*(?::\s*([^,}\n]+)|(?=[,\s}]))", around)
            if to and (names.has_sent(to[1]) if to[1] else "to" in names.sent):
                read = case.first(_BODY) or Spot(piece, piece.start + match.start())
                own_text = any(
                    word in names.sent for word in ("html", "body", "content", "message", "text")
                )
                return finding(
                    "edge-fn.open-mail-relay",
                    at_spot(read, case.route.label),
                    f"{case.route.label} sends mail to any address that the request names, and asks nobody who they are",
                    CRITICAL if own_text else HIGH,
                    [
                        Place(piece.module.path, piece.module.line(piece.start + match.start())),
                        at_route(case),
                    ],
                )
    return None


def _rank(query: Query) -> int:
    people = PEOPLE.search(query.code) is not None or _TENANT.search(query.table) is not None
    return 3 * (query.writes and not query.inserts) + 2 * people + query.inserts


def _edge_record(case: Case) -> Finding | None:
    if PUBLIC_PATH.search(case.route.name) and not ADMIN_PATH.search(case.route.name):
        return None
    found = [one for one in queries(case) if _telling(one)]
    if not found:
        return None
    worst = max(found, key=_rank)
    verb = "changes" if worst.writes else "reads"
    body = case.first(_BODY)
    return finding(
        "authz.idor",
        at_spot(worst.spot, case.route.name),
        f"{case.route.name} {verb} {worst.table or 'records'} by an id from the request with the service key, for anybody",
        CRITICAL if worst.writes and not worst.inserts else HIGH,
        [
            *([at_spot(body)] if body else []),
            *(at_spot(one) for one in _origins(case)),
            *(at_spot(one.spot) for one in found),
            at_route(case),
        ],
    )


def _telling(query: Query) -> bool:
    tenant = re.search(
        r"\.eq\(\s*['\"](?:user|company|org\w*|tenant|customer|client|store|account|owner)_id['\"]",
        query.code,
    )
    return query.writes or tenant is not None or PEOPLE.search(query.code) is not None


def _origins(case: Case) -> Iterator[Spot]:
    """Where ids of the request get their names."""
    for piece in case.pieces:
        if piece.depth:
            return
        names = case.flow.of(piece)
        for binding in piece.module.bindings_in(piece.start, piece.end):
            if re.search(r"(?:id|Id|ID)\b", binding.names) and names.has_sent(
                piece.module.slice(binding)[:300]
            ):
                yield Spot(piece, binding.at)


def _edge_effects(case: Case, effects: dict[str, Spot], body: Spot | None) -> Finding | None:
    name = case.route.name
    severity, spot, does = _gravity(case, effects)
    if severity is None or spot is None:
        return None
    if PUBLIC_PATH.search(name) and not BATCH_NAME.search(name):
        severity = min(severity, MEDIUM)
    also = [*([at_spot(body)] if body else []), *_client(case), at_route(case)]
    return finding(
        "edge-fn.unauthenticated",
        at_spot(spot, name),
        f"The function {name} {does} for anybody: it never asks who calls (the public key passes the gateway)",
        severity,
        also,
    )


def _client(case: Case) -> list[Place]:
    spot = case.first(re.compile(r"\bcreateClient\w*\s*(?:<[^()]*>)?\("))
    return [at_spot(spot)] if spot else []


def _gravity(case: Case, effects: dict[str, Spot]) -> tuple[Severity | None, Spot | None, str]:
    name = case.route.name
    changes = effects.get("delete") or effects.get("write")
    rpc = case.first(_RPC)
    batch = BATCH_NAME.search(name) is not None
    if case.service and (changes or rpc):
        spot = changes or rpc
        if MONEY.search(case.own) and batch:
            return CRITICAL, spot, "moves money"
        if batch:
            return MEDIUM, spot, "runs a job"
        return (
            (HIGH, spot, "changes data with the service key")
            if changes
            else (MEDIUM, spot, "acts with the service key")
        )
    if "message" in effects or "mail" in effects:
        return HIGH, effects.get("message") or effects.get("mail"), "sends messages"
    if (
        case.service
        and "read" in effects
        and PEOPLE.search(case.code)
        and PERSONAL.search(case.code)
    ):
        return HIGH, effects["read"], "hands out personal data"
    if "llm" in effects:
        return MEDIUM, effects["llm"], "spends money at a model's provider"
    return None, None, ""


def _open(cases: list[Case], told: set[str]) -> Iterator[Finding]:
    apps: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        apps[case.route.app].append(case)
    for of_app in apps.values():
        asks = any(case.access in {Access.CALLER, Access.ROLE} for case in of_app)
        files: dict[str, list[tuple[Case, Severity, str]]] = defaultdict(list)
        for case in of_app:
            if case.route.module.path not in told and (judged := _public(case)):
                found, hole = judged
                if found is not None:
                    yield found
                elif hole is not None:
                    files[case.route.module.path].append((case, *hole))
        for path, holes_of in files.items():
            everywhere = all(
                one.access is Access.PUBLIC for one in of_app if one.route.module.path == path
            )
            yield from _told(holes_of, asks, everywhere)


def _told(
    holes_of: list[tuple[Case, Severity, str]], asks: bool, everywhere: bool
) -> Iterator[Finding]:
    if asks and not everywhere or len(holes_of) == 1:
        for case, severity, does in holes_of:
            rule = "authz.unauthenticated-endpoint" if asks else "authz.none"
            message = (
                f"{case.route.label} {does} for anybody: nothing on the way asks who is calling"
            )
            yield finding(rule, at_route(case), message, severity, _effect(case))
        return
    order = {"DELETE": 4, "PUT": 3, "PATCH": 3, "POST": 2}
    holes_of.sort(key=lambda one: (-one[1], -order.get(one[0].route.method, 0)))
    case, severity, does = holes_of[0]
    where = (
        "this application has no authentication"
        if not asks
        else "no route of this file asks who is calling"
    )
    others = f" (and {len(holes_of) - 1} more)" if len(holes_of) > 1 else ""
    also = [place_of for one in holes_of for place_of in (at_route(one[0]), *_effect(one[0]))]
    rule = "authz.unauthenticated-endpoint" if asks else "authz.none"
    yield finding(
        rule,
        at_route(case),
        f"{case.route.label}{others} {does} for anybody: {where}",
        severity,
        also,
    )


def _effect(case: Case) -> list[Place]:
    effects = [
        spot for name, spot in case.effects() if name in {"delete", "write", "mail", "message"}
    ]
    return [at_spot(spot) for spot in effects[:1] if spot.piece.module is case.route.module]


def _public(case: Case) -> tuple[Finding | None, tuple[Severity, str] | None] | None:
    """A public route's own finding, or how bad it is that it is public."""
    route = case.route
    effects = dict(case.effects())
    if (
        case.access is not Access.PUBLIC
        or not route.known
        or case.bound_by_rows
        or case.token_in_hand
    ):
        return None
    if route.method == "GET" or route.method in {"HEAD", "OPTIONS"}:
        return None, _public_read(case, effects)
    if WEBHOOK_NAME.search(route.path) and route.writes:
        return _webhook(case, effects), None
    harmless = PUBLIC_PATH.search(route.label if route.kind == "action" else route.path)
    if harmless and not (route.method == "DELETE" or ADMIN_PATH.search(route.path)):
        return None
    if relay := _relay(case):
        return relay, None
    return None, _public_write(case, effects)


def _public_write(case: Case, effects: dict[str, Spot]) -> tuple[Severity, str] | None:
    if ASKS_CALLER.search(case.own):
        return None
    if "delete" in effects and case.route.method in {"DELETE", "ANY", "POST"}:
        return CRITICAL, "deletes data"
    if "write" in effects or case.first(re.compile(r"\bput\(|\bdel\(")):
        return CRITICAL, "changes data"
    if "mail" in effects or "message" in effects:
        return HIGH, "sends messages"
    if "llm" in effects:
        return MEDIUM, "spends money at a model's provider"
    return None


def _public_read(case: Case, effects: dict[str, Spot]) -> tuple[Severity, str] | None:
    route = case.route
    people = re.search(
        r"(?i)/(?:users?|customers?|clients?|patients?|employees?|members?|orders?|bookings?|invoices?|payments?|messages?|contacts?"
        r"|leads?|transactions?|ledgers?|students?|appointments?|donors?|expenses?|accounts?|conversations?)(?:/|$)",
        route.path,
    )
    if (
        "read" not in effects
        or not people
        or PUBLIC_PATH.search(route.path)
        or ASKS_CALLER.search(case.own)
    ):
        return None
    return HIGH, "hands out data of people"


def _webhook(case: Case, effects: dict[str, Spot]) -> Finding | None:
    body = case.first(_BODY)
    if body is None and case.route.kind != "nest":
        return None
    changes = "write" in effects or "delete" in effects
    severity = CRITICAL if changes and MONEY.search(case.code) else HIGH if changes else MEDIUM
    message = f"The webhook {case.route.label} trusts whatever is posted: no signature or secret is checked"
    return finding(
        "edge-fn.webhook-unsigned",
        at_route(case),
        message,
        severity,
        [at_spot(body)] if body else [],
    )


def _fail_open(case: Case) -> Iterator[Finding]:
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
                and _skips(code, then, other, piece.code, names.has_header)
                and not _refused_before(piece.code, secret)
            ):
                at = test.other.start if test.other else test.start
                yield _skipped(case, piece.module, at, test.start, secret)
                return


def _truthy_secret(code: str, secrets: set[str]) -> str:
    for part in re.split(r"&&", code):
        part = part.strip("() ")
        if part in secrets or re.fullmatch(
            r"(?:process\.env\.\w*(?:SECRET|TOKEN|KEY|PASSWORD)\w*|Deno\.env\.get\(['\"]\w*(?:SECRET|TOKEN|KEY)\w*['\"]\)?)",
            part,
        ):
            return part
    return ""


def _skips(code: str, then: str, other: str, whole: str, has_header: "object") -> bool:
    assert callable(has_header)
    if "&&" in code and re.search(r"!==?", code) and has_header(code) and REFUSES.search(then):
        return True
    checks = SIGNED.search(then) or (
        re.search(r"!==?", then) and REFUSES.search(then) and has_header(then)
    )
    if not checks or re.search(r"(?:apikey|api_key)", code, re.IGNORECASE):
        return False
    if re.search(r"JSON\.parse\(|\breq(?:uest)?\.(?:body|json)", other):
        return True
    return not (REFUSES.search(other) or re.search(r"\bthrow\b|status\(?:?\s*5|return\b", other))


def _refused_before(code: str, secret: str) -> bool:
    return (
        re.search(
            rf"if\s*\([^)]*!\s*{re.escape(secret)}\b[^)]*\)+\s*\{{?[^}}]{{0,200}}(?:throw|return|status|exit)",
            code,
        )
        is not None
    )


def _skipped(case: Case, module: Module, at: int, test: int, secret: str) -> Finding:
    webhook = WEBHOOK_NAME.search(case.route.label) is not None
    rule = "edge-fn.webhook-unsigned" if webhook else "authz.fail-open"
    message = f"{case.route.label} skips its check when {secret} is not set"
    return finding(
        rule,
        place(module, at, case.route.label),
        message,
        None,
        [place(module, test), at_route(case)],
    )


def _config(project: EdgeProject) -> Iterator[Finding]:
    function = ""
    for number, line in enumerate(project.text.splitlines(), 1):
        if header := re.match(r"\s*\[([\w-]+)(?:\.['\"]?([\w-]+))?", line):
            function = header[2] or "" if header[1] == "functions" else ""
        key = re.match(r"\s*([\w-]+)\s*=", line)
        if key and function and key[1] not in _CONFIG_KEYS:
            yield finding(
                "edge-fn.config-invalid",
                Place(project.path, number, number, line.strip(), function),
                f"{key[1]} is no setting of a function: the CLI refuses or ignores it for {function}",
                LOW,
                (),
                Evidence.EXACT,
            )
