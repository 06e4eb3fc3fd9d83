"""Decisions about money: made twice, made by who asks for it, and made without money moving."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.middleware import Access
from ..facts.program import Piece
from ..facts.signs import ROLE_TEST, WEBHOOK_NAME
from .pastrows import with_key
from .say import HIGH, MEDIUM, at_route, finding, place

_DECIDED = re.compile(
    r"\.update\(\s*\{[^{}]*\bstatus\b[^{}]*\}\s*\)\s*\.eq\(\s*['\"`]id['\"`]\s*,\s*(?P<row>[\w$.!?]+)\s*\)"
    r"(?P<rest>[^;]{0,120})"
)
_DECIDED_BY_KEY = re.compile(
    r"\.(?:findByIdAndUpdate\(\s*(?P<row>[\w$.!?]+)\s*,|updateOne\(\s*\{\s*_id\s*:\s*(?P<one>[\w$.!?]+)\s*\}\s*,"
    r"|update\(\s*\{\s*where\s*:\s*\{\s*id(?:\s*:\s*(?P<key>[\w$.!?]+))?\s*\}\s*,\s*data\s*:)"
    r"\s*\{(?P<change>[^;]{0,240}?)\}"
)
_WANTED = re.compile(r"\b(?:(?:req|request)\.)?(?:body|data|input|payload|dto)\.status\b")
"""What the row shall be says nothing of what it was."""
_ADDED = re.compile(
    r"\$inc\s*:\s*\{[^{}]*(?:balance|credits?|points|coins|saldo)\w*['\"]?\s*:\s*(?!-)"
    r"|\b\w*(?:balance|credits?|points|coins|saldo)\w*\s*:\s*\{\s*increment\s*:",
    re.IGNORECASE,
)
_CREDITED = re.compile(
    r"\b(?:balance|credits?|points|saldo|coins)['\"]?\s*:\s*[^,{};]*\+\s*[\w(]"
    r"|\bp_?(?:amount|delta)\b|\.rpc\(\s*['\"]\w*(?:increment|add|credit|refund)\w*"
)
_STATE_ASKED = re.compile(
    r"\??\.status\b\s*[!=]==?|[!=]==?\s*\w+\??\.status\b|\.(?:eq|neq|in|is|not)\(\s*['\"`]status['\"`]"
    r"|\.includes\(\s*\w+\??\.status|\b(?:current|old|previous|prior)_?\w*status\b|\bwas[A-Z]\w+"
    r"|\bswitch\s*\(\s*\w+\.status",
    re.IGNORECASE,
)


def decisions(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        if case.route.writes and not WEBHOOK_NAME.search(case.route.label):
            yield from _made_twice(case)
            yield from _paid_again(case)
            yield from _made_by_who_asks(case)
            yield from _without_money(case, cases)


def _made_twice(case: Case) -> Iterator[Finding]:
    """A withdrawal is rejected, and the money goes back, as often as somebody says so."""
    for piece in case.pieces[:1]:
        decided = _DECIDED.search(piece.code)
        if decided is None or not case.flow.of(piece).has_sent(decided["row"]):
            continue
        credited = _CREDITED.search(piece.code, decided.end())
        asked = _STATE_ASKED.search(piece.code) or "status" in decided["rest"].split("await")[0]
        if credited and not asked:
            yield finding(
                "payments.no-idempotency",
                place(piece.module, piece.start + decided.start(), case.route.label),
                f"{case.route.label} credits again each time it is called: how it was decided "
                f"before nothing asks",
                MEDIUM if case.access is Access.ROLE else HIGH,
                [place(piece.module, piece.start + credited.start()), at_route(case)],
            )
            return


def _paid_again(case: Case) -> Iterator[Finding]:
    """The same with a document's or a row's key: approved once more, it is credited once more."""
    for piece in case.pieces[:3]:
        for decided in _DECIDED_BY_KEY.finditer(piece.code):
            row = decided["row"] or decided["one"] or decided["key"] or "id"
            if not case.flow.of(piece).has_sent(row) or not _sets_state(piece, decided["change"]):
                continue
            credited = _ADDED.search(piece.code, decided.end())
            if credited is None or _STATE_ASKED.search(_WANTED.sub("wanted", piece.code)):
                continue
            yield finding(
                "payments.no-idempotency",
                place(piece.module, piece.start + credited.start(), case.route.label),
                f"{case.route.label} credits again each time it is called: how it was decided "
                f"before nothing asks",
                MEDIUM if case.access is Access.ROLE else HIGH,
                [place(piece.module, piece.start + decided.start()), at_route(case)],
            )
            return


def _sets_state(piece: Piece, change: str) -> bool:
    """Whether a change says what has become of the row, there or under the name it is given."""
    named = re.search(r"(?:\$set\s*:\s*|^\s*\.\.\.)(\w+)", change)
    made = rf"\b{named[1]}\b[^=;{{]*=\s*\{{[^{{}}]*\bstatus\b" if named else r"(?!)"
    return re.search(r"\bstatus\b", change) is not None or bool(re.search(made, piece.code))


_GRANTED = re.compile(
    r"(?P<client>[A-Za-z_$][\w$]*)\s*\.from\(\s*['\"`](?P<table>\w*(?:refund|withdraw|payout|loan|claim"
    r"|application|verification|kyc|reembols|saque|retiro)\w*)['\"`]\s*\)\s*\.(?:insert|update)\(\s*\[?\s*\{"
    r"(?P<row>[^{}]{0,600}?)\bstatus['\"]?\s*:\s*['\"](?:approved|accepted|verified|granted|aprovado"
    r"|aprobado)['\"]",
)
_LOOKED_INTO = re.compile(
    r"\bfetch\(|axios|stripe|paypal|refunds?\.create\(|\bfunctions\.invoke\(|chat/completions|\.analy[sz]e"
    r"|\bverify\w*\(",
    re.IGNORECASE,
)


def _made_by_who_asks(case: Case) -> Iterator[Finding]:
    """`action === "approve"` in the words of who asks for the money."""
    asks = case.access is Access.CALLER and case.service and not ROLE_TEST.search(case.code)
    if not asks or _LOOKED_INTO.search(case.code):
        return
    for piece in case.pieces[:1]:
        for granted in _GRANTED.finditer(piece.code):
            if with_key(case, piece, granted["client"]) and _for_caller(case, piece, granted):
                yield finding(
                    "authz.missing-role-check",
                    place(piece.module, piece.start + granted.end(), case.route.label),
                    f"{case.route.label} approves {granted['table']} of whoever calls, because "
                    f"they say so: who asks for it decides",
                    HIGH,
                    [at_route(case)],
                )
                return


def _for_caller(case: Case, piece: Piece, granted: "re.Match[str]") -> bool:
    """Whether it is the caller's own, and chosen by a word of the request."""
    names = case.flow.of(piece)
    branch = re.search(
        r"\bif\s*\(\s*([\w$.]+)\s*===?\s*['\"](?:approve|accept|verify|grant|confirm)\w*['\"]",
        piece.code[: granted.start()],
    )
    return bool(branch and names.has_sent(branch[1])) and names.has_caller(granted["row"])


_REFUNDED = re.compile(
    r"\b(?:payment_?[sS]tatus|status|state)['\"]?\s*:\s*['\"](?:refunded|reembolsado)['\"]",
    re.IGNORECASE,
)
_GIVES_BACK = re.compile(
    r"refunds?\.create\(|\.refunds?\(|/refunds?\b|\.refund\w*\(|\bcreate\w*Refund\w*\(|wallet|balance"
    r"|credits?\b|\.rpc\(|\bcash\b|manual|\bpos\b",
    re.IGNORECASE,
)
_CHARGES = re.compile(
    r"api\.(?:paystack|mercadopago|stripe|razorpay|flutterwave|xendit|sandbox\.midtrans)\b"
    r"|\b(?:paymentIntents|checkout\.sessions|charges|preferences?)\.create\(|transaction/initialize"
)


def _without_money(case: Case, cases: list[Case]) -> Iterator[Finding]:
    """It is written down as given back, and the provider that took it is never asked."""
    if "refund" not in case.route.label.lower() or _GIVES_BACK.search(case.code):
        return
    for piece in case.pieces[:1]:
        noted = _REFUNDED.search(piece.code)
        kept = noted and re.search(r"\.(?:update|set)\(\s*\{[^{}]*$", piece.code[: noted.start()])
        if noted and kept and any(_CHARGES.search(one.code) for one in cases):
            yield finding(
                "payments.no-refund",
                place(piece.module, piece.start + noted.start(), case.route.label),
                f"{case.route.label} notes that the money went back, and asks no provider for it",
                None,
                [at_route(case)],
            )
