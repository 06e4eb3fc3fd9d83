"""Mail to whoever the request names: who chooses the address, and whose the words are."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding, Place, Severity
from ..facts.access import Case, Spot
from ..facts.flow import Names
from ..facts.meant import guests
from ..facts.middleware import Access
from ..facts.program import Piece
from ..facts.signs import BODY, MAIL, PUBLIC_PATH
from .say import CRITICAL, HIGH, MEDIUM, at_route, at_spot, finding

_LISTS = re.compile(r"(?i)e-?mail-?capture|subscri|newsletter|wait-?list|early-?access")
_ADDRESS = re.compile(r"(?i)e_?-?mail|recipient|^to$")


def relay_of(case: Case) -> Finding | None:
    """Mail to whoever the request names."""
    public = PUBLIC_PATH.search(case.route.label) and not _SENDS_MAIL.search(case.route.label)
    for piece in case.pieces:
        names = case.flow.of(piece)
        for match in MAIL.finditer(piece.code):
            around = piece.code[match.start() : match.start() + 1_500]
            to = re.search(r"\b(?:to|email|recipients?)\s*(?::\s*([^,}\n]+)|(?=[,\s}]))", around)
            if to and (names.has_sent(to[1]) if to[1] else "to" in names.sent):
                read = case.first(BODY) or Spot(piece, piece.start + match.start())
                meant = guests(case) or _LISTS.search(case.route.label)
                text = _text_of(piece, names)
                if public and (not _WORDS & names.sent or _ENTERS.search(case.route.label)):
                    continue  # our own words, to whoever fills in the form
                gravity = min(text, MEDIUM if meant or public else CRITICAL)
                return finding(
                    "edge-fn.open-mail-relay",
                    at_spot(read, case.route.label),
                    f"{case.route.label} sends mail to any address that the request names, "
                    f"and asks nobody who they are",
                    gravity,
                    [
                        Place(piece.module.path, piece.module.line(piece.start + match.start())),
                        at_route(case),
                    ],
                )
    return None


_TO = re.compile(r"\bto\s*(?::\s*([\w$.?]+)\s*)?(?=[,}])")
_WRITTEN = re.compile(r"\b(?:html|text)\s*(?::\s*([\w$.?]+)\s*)?(?=[,}])")


def by_any_account(case: Case) -> Iterator[Finding]:
    """`sendEmail({ to, subject, html })` of the request, for whoever has an account."""
    if case.access is not Access.CALLER:
        return
    for piece in case.pieces[:1]:
        names = case.flow.of(piece)
        for call in piece.module.calls_in(piece.start, piece.end):
            given = piece.module.slice(call.arguments[0]) if call.arguments else ""
            if not MAIL.search(f".{call.callee}(") or not given.startswith("{"):
                continue
            told = [one.search(given) for one in (_TO, _WRITTEN)]
            if all(one and names.has_sent(one[1] or one[0].strip()) for one in told):
                message = (
                    f"{case.route.label} sends whatever any account writes to any address that it "
                    f"names, in your name"
                )
                where = at_spot(Spot(piece, call.start), case.route.label)
                yield finding("edge-fn.open-mail-relay", where, message, HIGH, [at_route(case)])
                return


_SENDS_MAIL = re.compile(
    r"(?i)send-?(?!.*(?:reset|forgot|verif|otp|magic|welcome|regist|sign-?(?:in|up)|auth|contact|support))"
    r"(?:\w+-)*e?mail"
)
"""`send-payment-email`: a payment is what the letter is of, and not what lets the sender in."""
_ENTERS = re.compile(r"(?i)reset|forgot|verif|otp|magic|welcome|regist|sign-?(?:in|up)|auth")
_WORDS = {"html", "content", "message", "text", "subject"}


def _text_of(piece: Piece, names: Names) -> Severity:
    """A stranger's own text in our name, a name in our text, or only our text to anybody."""
    theirs = {"html", "body", "content", "message", "text"} & names.sent
    if any(not _written_here(piece, word) for word in theirs):
        return CRITICAL
    filled = (match[1] for match in re.finditer(r"\$\{([^{}]+)\}", piece.code))
    if any(names.has_sent(value) and not _ADDRESS.search(value) for value in filled):
        return HIGH
    return MEDIUM


def _written_here(piece: Piece | None, word: str) -> bool:
    """Whether the name holds a text of the code's own, or all that was sent and no text of it."""
    while piece is not None:
        for one in piece.module.bindings_in(piece.start, piece.end):
            if one.names.strip() == word:
                return _OUR_TEXT.match(piece.module.slice(one)) is not None
        given = piece.function.parameters if piece.function else ()
        named = [re.split(r"\W", one)[0] for one in given]
        at = named.index(word) if word in named else None
        if at is None or at >= len(piece.given) or piece.giver is None:
            return False
        word, piece = piece.giver.module.slice(piece.given[at]), piece.giver
        if _OUR_TEXT.match(word):
            return True
    return False


_OUR_TEXT = re.compile(
    r"\s*(?:['\"`]|(?:await\s+)?(?:\w+\.(?:json|parse)"
    r"|\w*(?:[tT]emplate|[rR]ender|[bB]uild|[gG]enerate|[mM]ake|[cC]reate|[fF]ormat)\w*)\()"
)
