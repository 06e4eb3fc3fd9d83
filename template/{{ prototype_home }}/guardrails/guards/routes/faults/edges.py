"""Supabase edge functions that work for anybody, and what their configuration says."""

import re
from collections.abc import Iterator

from ....engine.finding import Evidence, Finding, Place, Severity
from ..facts.access import Case, Spot
from ..facts.middleware import Access
from ..facts.newaccounts import of_new_account
from ..facts.platforms import EdgeProject
from ..facts.queries import Query, answered, hands_out, overwrites_account, queries
from ..facts.signs import (
    ADMIN_PATH,
    BATCH_NAME,
    BODY,
    MONEY,
    PEOPLE,
    PERSONAL,
    PUBLIC_PATH,
    REJECTS,
    WEBHOOK_NAME,
)
from .callbacks import of_a_payment
from .called import calls_for_anybody
from .relays import relay_of
from .say import CRITICAL, HIGH, MEDIUM, at_route, at_spot, deeds, finding

_RPC = re.compile(r"\.rpc\(")
_TENANT = re.compile(
    r"(?:company|compan|organi[sz]ation|org|tenant|team|workspace|user|customer|client"
    r"|account|store|owner|producer)_?i?d?s?$",
    re.IGNORECASE,
)
_SIDE = re.compile(
    r"from\(\s*['\"]\w*(?:cache|logs?|audit|metrics|rate_?limits?|throttles?)['\"]\s*\)\s*$"
)
_SIDE_TABLE = re.compile(
    r"(?:^|_)(?:cache|logs?|audit\w*|metrics|history|alerts?|rate_?limits?|throttles?)$",
    re.IGNORECASE,
)
_ACTS_ELSEWHERE = re.compile(
    r"method\s*:\s*['\"](?:PUT|PATCH|DELETE|POST)['\"][\s\S]{0,200}Authorization"
)
_OTHER_SECRET = re.compile(
    r"Deno\.env\.get\(\s*['\"](?!SUPABASE_)\w*(?:SECRET|TOKEN|API_KEY|PRIVATE_KEY)\w*['\"]"
)
_ASKED = re.compile(r"\bsearchParams\b|\breq(?:uest)?\.(?:url|query|params)\b")
_MAKES_ACCOUNTS = re.compile(r"\.(?:createUser|deleteUser|updateUserById)\(")
_PAYS = re.compile(r"\b(?:transfers|payouts|refunds|charges)\.create")
_OVERWRITES = re.compile(
    r"\.(?:update\w*|delete\w*|upsert|remove|createUser|inviteUserByEmail|increment|decrement"
    r"|rpc(?!\(\s*['\"](?:check|get|is|has|can|log)_))\("
    r"|\bUPDATE\s|\bDELETE\s"
)
_PRIVILEGE = re.compile(
    r"from\(\s*['\"`]\w*(?:roles?|admins?|permissions?|credits?|balances?|wallets?|ledgers?|payments?"
    r"|payouts?|subscriptions?|members(?:hips?)?|licen[cs]es?|api_keys?|profiles|users)['\"`]"
)
_DECODES = re.compile(
    r"(?:atob|decode\w*)\([^;]{0,60}split\(\s*['\"]\.['\"]\s*\)|\b(?:jwtDecode|decodeJwt|jwt_decode)\("
    r"|\bparts\[1\][\s\S]{0,200}\.sub\b"
    r"|split\(\s*['\"]\.['\"]\s*\)[\s\S]{0,240}(?:atob|decode\w*|from)\(\s*\w+\[1\]"
)
_HANDS_ON = re.compile(
    r"Authorization['\"]?\s*:\s*(?:\w*[aA]uth\w*|\w*[hH]eader\w*|req(?:uest)?\.headers)\b"
)
_PUSH = re.compile(
    r"fcm\.googleapis\.com|exp\.host/[\w-]*/?api/v2/push|webpush\.sendNotification\("
    r"|onesignal\.com/[\w/]*notifications|\bsend\w*(?:Push|FCM|Fcm)\w*\("
)
_KEPT_INSIDE = re.compile(
    r"from\(\s*['\"`](?:\w+_)?(?:reports|invoices|payments|transactions|payouts|loans|payrolls?|salaries"
    r"|audit_logs?|messages|contracts|expenses|transfers|withdrawals)['\"`]"
)
_LISTS = re.compile(r"\.listBuckets\(|\.storage\s*\.from\(\s*[A-Za-z_][^()]*\)\s*\.list\(")
_SETTLED = re.compile(
    r"payment_status|checkout/sessions/\$\{|sessions\.retrieve\(|payment_?[iI]ntents(?:\.retrieve\(|/\$\{)"
)


def edge(case: Case, projects: list[EdgeProject]) -> Iterator[Finding]:
    if case.access is not Access.PUBLIC or case.token_in_hand or _behind_gateway(case, projects):
        return
    if case.scoped and REJECTS.search(case.code):
        return  # Row-level security answers for who calls.
    if _as_the_caller(case) and not _unchecked(case, projects):
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
                f"verify_jwt is off for {case.route.name}, and the function checks nobody "
                f"by itself",
                # The gateway lets the public key pass as well: the hole is in the function.
                MEDIUM,
                [at_route(case)],
                Evidence.EXACT if found.severity is None else Evidence.READ,
            )


def _unchecked(case: Case, projects: list[EdgeProject]) -> bool:
    return any(case.route.name in project.unchecked for project in projects)


def _behind_gateway(case: Case, projects: list[EdgeProject]) -> bool:
    """Who only reads a token may, where the gateway has checked its signature before."""
    decodes = _DECODES.search(case.code) is not None
    return bool(projects) and decodes and not _unchecked(case, projects)


def _as_the_caller(case: Case) -> bool:
    """Whether every client hands the caller's token on: that decides, whatever key is beside it."""
    made = [
        piece.module.code[call.callee_end : call.end]
        for piece in case.pieces
        for call in piece.module.calls_in(piece.start, piece.end)
        if call.callee.endswith("createClient")
    ]
    return bool(made) and all(_HANDS_ON.search(given) for given in made)


def _edge_hole(case: Case) -> Finding | None:
    name = case.route.name
    effects = dict(case.effects())
    body = case.first(BODY, own=True) or case.first(BODY)
    changes = effects.get("delete") or effects.get("write")
    if receives(case) and body:
        if not ((case.service and changes) or "message" in effects or "mail" in effects):
            return None
        if asks_back(case):
            return None
        message = f"The webhook {name} trusts whatever is posted: no signature or secret is checked"
        return finding(
            "edge-fn.webhook-unsigned",
            at_spot(body, name),
            message,
            CRITICAL if changes and _reaches_others(case) else HIGH,
            [at_route(case)],
        )
    if relay := relay_of(case):
        return relay
    if case.service and (hole := _edge_record(case)):
        return hole
    return _edge_effects(case, effects, body)


_SENDS_IT = re.compile(
    r"(?:^|/)(?:send|sends|dispatch|trigger|fire|emit|outgoing|outbound|deliver|retry)(?:[-_/]|(?-i:(?=[A-Z])))[\w-]*hook"
    r"|(?:^|/)(?:test|create|register|set-?up|configure|manage|update|delete|list)[-_]?web-?hook"
    r"|hooks?[-_/](?:sender|dispatch(?:er)?|delivery|deliveries|settings?|config|logs?|test|register|retry)$",
    re.IGNORECASE,
)
_SENT_ON = re.compile(
    r"\bfetch\(\s*(?:`\$\{)?\s*(?:[\w.?!]*[hH]ook\w*(?:[uU]rl|URL|\.url)|[\w.]*(?:HOOK|N8N|ZAPIER)\w*)\b"
)
_PROVIDER = re.compile(
    r"stripe|paypal|razorpay|paystack|flutterwave|mollie|square|mercado|asaas|iugu|pagar|hotmart|kiwify"
    r"|cakto|twilio|telegram|whatsapp|github|shopify|clerk|resend|calendly|pay(?:ment)?s?\b",
    re.IGNORECASE,
)


def receives(case: Case) -> bool:
    """Whether it is a webhook that somebody else calls; some send one, or keep the list of them."""
    name = case.route.name if case.route.kind == "edge" else case.route.path
    if of_a_payment(case):
        return True
    if not WEBHOOK_NAME.search(name) or _SENDS_IT.search(name):
        return False
    return bool(_PROVIDER.search(name)) or case.first(_SENT_ON) is None


def _reaches_others(case: Case) -> bool:
    """Whether more than a record of its own can come of it: an invented lead is a nuisance."""
    signs = (_OVERWRITES, _PRIVILEGE, MONEY)
    return any(sign.search(case.code) for sign in signs)


_ASKS_BACK = re.compile(
    r"\bfetch\(\s*`https://[^`]{0,120}/(?:payments?|orders?|transactions?|invoices?|charges?)"
    r"(?:/verify)?/\$\{[^`]*`[^;]{0,300}?\b[aA]uthorization"
    r"|\b(?:paymentIntents|checkout\.sessions|charges)\.retrieve\("
    r"|\b(?:mollie\w*\.)?payments?\.get\(|\b[pP]ay[iI]ns?\.get\("
)


def asks_back(case: Case) -> bool:
    """The message only says which payment: what became of it, the provider itself is asked."""
    return (
        _ASKS_BACK.search(case.code) is not None
        and re.search(r"[sS]tatus['\"]?\]?\s*[!=]==", case.code) is not None
    )


def _rank(query: Query) -> int:
    people = PEOPLE.search(query.code) is not None or _TENANT.search(query.table) is not None
    return 3 * (query.writes and not query.inserts) + 2 * people + query.inserts


def _edge_record(case: Case) -> Finding | None:
    meant = PUBLIC_PATH.search(case.route.name) and not overwrites_account(case)
    if meant and not ADMIN_PATH.search(case.route.name):
        return None
    if _SETTLED.search(case.code):
        return None  # What the provider says was paid decides; `payments.replay` looks at the rest.
    if called := calls_for_anybody(case):
        return called
    found = [
        one
        for one in queries(case)
        if _telling(one)
        and not (one.inserts and _SIDE_TABLE.search(one.table))
        and not of_new_account(one)
    ]
    if not found:
        return None
    worst = max(found, key=_rank)
    harms = worst.writes and not worst.inserts and not _SIDE_TABLE.search(worst.table)
    verb = "changes" if worst.writes else "reads"
    nobodys = worst.inserts and not (PEOPLE.search(worst.code) or _PRIVILEGE.search(worst.code))
    quiet = (nobodys or not worst.writes) and not case.sends
    quiet = quiet and not any(answered(one) for one in found if not one.writes)
    body = case.first(BODY)
    return finding(
        "authz.idor",
        at_spot(worst.spot, case.route.name),
        f"{case.route.name} {verb} {worst.table or 'records'} by an id from the request "
        f"with the service key, for anybody",
        CRITICAL if harms else MEDIUM if quiet else HIGH,
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
    severity, does, spot = _gravity(case, effects)
    if severity is None or spot is None:
        return None
    if PUBLIC_PATH.search(name) and not BATCH_NAME.search(name):
        severity = min(severity, MEDIUM)
    also = [*([at_spot(body)] if body else []), *_client(case), at_route(case), *deeds(case)]
    return finding(
        "edge-fn.unauthenticated",
        at_spot(spot, name),
        f"The function {name} {does} for anybody: it never asks who calls (the public key "
        f"passes the gateway)",
        severity,
        also,
    )


def _client(case: Case) -> list[Place]:
    spot = case.first(re.compile(r"\bcreateClient\w*\s*(?:<[^()]*>)?\("))
    return [at_spot(spot)] if spot else []


def _gravity(case: Case, effects: dict[str, Spot]) -> tuple[Severity | None, str, Spot | None]:
    changes = effects.get("delete") or effects.get("write")
    spot = changes or case.first(_RPC)
    if _takes_payment(case):
        return None, "", None
    if case.service and spot:
        return (*_change(case, changes), spot)
    message = effects.get("message") or case.first(_PUSH)
    if sent := message or effects.get("mail"):
        grave = HIGH if message and case.first(BODY, own=True) else MEDIUM
        return grave, "sends messages", sent
    found = _shown(case, effects) or _acts(case, effects) or _shown_inside(case)
    return found or (None, "", None)


def _shown(case: Case, effects: dict[str, Spot]) -> tuple[Severity, str, Spot] | None:
    """What it hands out with the service key."""
    if not case.service:
        return None
    if (
        "read" in effects
        and PEOPLE.search(case.code)
        and PERSONAL.search(case.code)
        and hands_out(case, PEOPLE)
    ):
        return HIGH, "hands out personal data", effects["read"]
    listed = case.first(_LISTS)
    return (HIGH, "lists the files that are stored", listed) if listed else None


def _shown_inside(case: Case) -> tuple[Severity, str, Spot] | None:
    """What is nobody's secret, and still not meant for who never signed in."""
    kept = case.first(_KEPT_INSIDE) if case.service and case.first(BODY) else None
    told = kept is not None and hands_out(case, _KEPT_INSIDE)
    return (MEDIUM, "hands out what is kept inside", kept) if kept and told else None


def _acts(case: Case, effects: dict[str, Spot]) -> tuple[Severity, str, Spot] | None:
    """What it does elsewhere at its owner's cost."""
    if "llm" in effects:
        return MEDIUM, "spends money at a model's provider", effects["llm"]
    acts = case.first(_ACTS_ELSEWHERE, own=True)
    if acts and case.first(BODY, own=True) and _OTHER_SECRET.search(case.code):
        return MEDIUM, "acts at another service with its key", acts
    return None


_CHARGED = re.compile(
    r"api\.mercadopago\.com/v1/payments[`'\"]?\s*,|\bpaymentIntents\.create\(|\bcheckout\.sessions\.create\("
    r"|/v1/(?:payment_intents|checkout/sessions)[`'\"]|/transaction/initialize|/v3/(?:payments|charges)[`'\"]"
)


def _takes_payment(case: Case) -> bool:
    """A purchase of somebody who need not sign in: what they pay is what lets them."""
    return PUBLIC_PATH.search(case.route.name) is not None and bool(case.first(_CHARGED, own=True))


def _change(case: Case, changes: Spot | None) -> tuple[Severity, str]:
    batch = BATCH_NAME.search(case.route.name) is not None
    if batch and MONEY.search(case.own):
        # A job that takes nothing from its caller does no more than it does by itself.
        told = case.first(BODY, own=True) or case.first(_PAYS)
        return CRITICAL if told else MEDIUM, "moves money"
    if batch:
        return MEDIUM, "runs a job"
    if not any(map(case.first, (BODY, _ASKED, _PAYS, _MAKES_ACCOUNTS))):
        return MEDIUM, "runs a job"
    if changes is None or _SIDE.search(_around(changes)) or _kept_for_later(case, changes):
        return MEDIUM, "acts with the service key"
    if not _OVERWRITES.search(case.code) and not _PRIVILEGE.search(case.code):
        # What a form that is meant for everybody does, too.
        return MEDIUM, "adds records with the service key"
    return HIGH, "changes data with the service key"


_KEPT_FOR_LATER = re.compile(r"cach(?:e|ing)", re.IGNORECASE)


def _kept_for_later(case: Case, changes: Spot) -> bool:
    """Whether it only keeps an answer, to be asked for once: nothing of anybody's is changed."""
    near = changes.piece.module.text[max(0, changes.at - 300) : changes.at + 300]
    changed = re.search(r"\.(?:update|delete|rpc)\(", case.code)
    return changed is None and not _PRIVILEGE.search(near) and bool(_KEPT_FOR_LATER.search(near))


def _around(spot: Spot) -> str:
    return spot.piece.module.code[max(0, spot.at - 120) : spot.at]
