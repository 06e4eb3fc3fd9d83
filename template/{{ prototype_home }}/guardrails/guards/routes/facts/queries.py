"""The queries of a handler: which record they name, and whether the caller is part of that."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .access import Case, Spot
from .flow import mentions
from .naming import names_record, spelled, with_filter
from .paths import property_of
from .program import Piece
from .signs import LLM, READS, WRITES
from .source import Binding, Call

_TABLE = re.compile(
    r"\.from\(\s*['\"`](\w+)|\bprisma\.(\w+)"
    r"|\b(?:FROM|INTO|UPDATE|JOIN)\s+(?:\"?\w+\"?\.)?[\"`]?(\w+)"
    r"|\b(?:FROM|INTO|UPDATE|JOIN)\s+\$\{\s*(?:schema\.)?(\w+)\s*\}"
    r"|\b(?:db|tx)\.query\.(\w+)"
    r"|\b(?:tx|trx|transaction)\.(?!query\b)(\w+)\.(?:find|update|delete|upsert|create|count)"
    r"|\b(?:db|knex|trx)\(\s*['\"](\w+)"
    r"|\b(\w+?)(?:Repo(?:sitory)?|Model)\.(?:find|update|delete|remove|softDelete|count|exist|increment)"
    r"|\b(?:storage|db)\.(\w+)\.(?:get|find|fetch|update|delete|remove|create|cancel"
    r"|set)(?:[A-Z]\w*?)?(?:By\w+)?\("
    r"|\b(?:storage|db)\.(?:get|find|fetch|update|delete|remove|create|cancel"
    r"|set)([A-Z]\w*?)(?:By\w+)?\("
    r"|\b([A-Z]\w+)\.(?:find|update|delete|create|destroy|upsert|bulkCreate)|(?:insert|update|delete"
    r"|from)\(\s*(?!table)(\w+)\s*\)"
)
LOG = re.compile(r"^(?:console|logger|log)\b")
CREATES = re.compile(
    r"(?:^|\.)(?:create|insert|add|save|record|log|new|upsert|register|send)\w*\(|INSERT\s"
)
_WRITES = re.compile(
    r"\.(?:update|delete|del|destroy|upsert|insert)\(|UPDATE\s|DELETE\s|INSERT\s", re.IGNORECASE
)


@dataclass(frozen=True)
class Query:
    """A query that names a record by something the client sent."""

    spot: Spot
    table: str
    code: str
    writes: bool
    inserts: bool
    alone: bool
    """The caller's identity is no part of it."""
    begins: Spot


def queries(case: Case) -> Iterator[Query]:
    for piece in case.pieces:
        names = case.flow.of(piece)
        for call in piece.module.calls_in(piece.start, piece.end):
            if LOG.match(call.callee) or call.end - call.start > 6_000:
                continue
            kind = names_record(piece, call, names.has_sent)
            if kind:
                whole = statement(piece, call)
                yield Query(
                    Spot(piece, _last_at(piece, call)),
                    table(whole),
                    whole,
                    _WRITES.search(whole) is not None
                    or re.search(
                        r"(?i)update|delete|destroy|remove|cancel|toggle|approve", call.callee
                    )
                    is not None,
                    kind == "insert",
                    not names.has_caller(chosen(piece, call, whole)),
                    Spot(piece, call.start),
                )


def _last_at(piece: Piece, call: Call) -> int:
    text = piece.module.code[call.start : call.callee_end]
    return call.start + (text.rfind(".") + 1 if "." in text else 0)


_UPDATES_ONE = re.compile(r"\.(?:findByIdAndUpdate|findOneAndUpdate|updateOne|updateMany)$")
_TAKES_ON = re.compile(
    r"\$(?:addToSet|push|pull|inc)\b|\b(?:driver|rider|courier|assign\w*|claimed\w*|accepted\w*|agent"
    r"|volunteer|worker|mentor|provider)\w*['\"]?\s*:(?=[^,}\n]*(?:req\.user|user|me\b|session|auth|caller|ctx))",
    re.IGNORECASE,
)


def chosen(piece: Piece, call: Call, whole: str) -> str:
    """What says which record it is: that it names the caller afterwards ties nothing.

    What waits for somebody is taken on by whoever comes, and a follower is added.
    """
    if by := property_of(piece.module.slice(call.arguments[0]), "where"):
        change, which = property_of(whole, "data") or property_of(whole, "update"), by
    elif len(call.arguments) > 1 and _UPDATES_ONE.search(call.callee):
        change, which = map(piece.module.slice, reversed(call.arguments[:2]))
    else:
        return _NOT_THEIRS.sub("", whole)
    return _NOT_THEIRS.sub("", whole if not change or _TAKES_ON.search(change) else which)


_NOT_THEIRS = re.compile(
    r"\w+\s*:\s*\{\s*(?:not|\$ne|ne)\s*:[^{}]*\}|\.neq\([^()]*\)|\b\w+\s*(?:<>|!=)\s*\$\d"
)
"""`senderId: { not: userId }` leaves out what is the caller's, and asks for everybody else's."""


def statement(piece: Piece, call: Call) -> str:
    """The whole statement that the call is part of: filters may come before and behind it."""
    code, end = piece.module.code, call.end
    while following := re.match(r"\s*\.\w+\(", code[end : end + 60]):
        end = _closing(code, end + following.end() - 1)
    whole = code[call.start : min(end, call.start + 6_000)]
    if told := spelled(piece, call) or with_filter(piece, call):
        first = call.arguments[0]
        return whole[: first.start - call.start] + told + whole[first.end - call.start :]
    return whole


def _closing(code: str, at: int) -> int:
    depth = 0
    for offset in range(at, min(len(code), at + 4_000)):
        depth += {"(": 1, ")": -1}.get(code[offset], 0)
        if not depth:
            return offset + 1
    return len(code)


_ANSWERS = re.compile(r"Response(?:\.json)?$|\.json$|\.send$|[rR]espon[ds]\w*$|^json$|^ok$")
_ONLY_COUNTED = re.compile(r"!!?\s*\w[\w.?]*|[\w.?]+\??\.length\b")


_SELECTED = re.compile(r"\.select\(\s*['\"`]([^'\"`]{1,200})['\"`]")
_PLAIN = re.compile(r"\w*(?:id|name|status|role|avatar|image|url|locale|language|timezone)")


def _names_only(code: str) -> bool:
    found = _SELECTED.search(code)
    return found is not None and all(_PLAIN.fullmatch(one.strip()) for one in found[1].split(","))


def answered(query: Query) -> bool:
    """Whether anything of what the query found can be in the answer; unknown is yes."""
    if _names_only(query.code):
        return False
    piece = query.spot.piece
    into = _bound(query)
    if piece.depth or not into:
        return True
    return _in_the_answer(piece, into[-1])


def _bound(query: Query) -> list[Binding]:
    """What gets the answer of the query, the innermost last."""
    piece = query.spot.piece
    bindings = piece.module.bindings_in(piece.start, piece.end)
    return [one for one in bindings if one.start <= query.spot.at < one.end]


def only_tested(query: Query) -> bool:
    """Whether all that is done with what is read is to look whether there is any."""
    piece = query.spot.piece
    into = _bound(query)
    if query.writes or not into or not re.fullmatch(r"\w+", into[-1].names):
        return False
    later = _TEXT.sub("''", piece.module.code[into[-1].end : piece.end])
    used = re.compile(rf"(?<![\w$.]){into[-1].names}(?![\w$]|\s*:)")
    tested = re.compile(_TESTED.format(into[-1].names))
    found = used.findall(later)
    return bool(found) and len(found) == len(tested.findall(later))


_TEXT = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")
_TESTED = (
    r"\bif\s*\(\s*!*{0}\s*\)|(?<![\w$.]){0}\??\.length\b"
    r"|(?:&&|\|\|)\s*!*{0}\s*(?=\))"
)


def for_sale(query: Query) -> bool:
    """Whether what is read is a thing on offer: its price or its stock is what is wanted."""
    piece = query.spot.piece
    into = _bound(query)
    if query.writes or not into or not re.fullmatch(r"\w+", into[-1].names):
        return False
    wanted = rf"\b{into[-1].names}\??\.(?:\w*[pP]rice\w*|stock\w*|inStock|quantityAvailable)\b"
    return re.search(wanted, piece.code) is not None


def hands_out(case: Case, people: "re.Pattern[str]") -> bool:
    """Whether rows of people that the handler reads can be in its answer; unknown is yes."""
    told = False
    for piece in case.pieces:
        for one in piece.module.bindings_in(piece.start, piece.end):
            value = piece.module.slice(one)
            if ".select(" in value[:4_000] and people.search(value[:4_000]):
                if _handed_back(piece, one) if piece.depth else _in_the_answer(piece, one):
                    return True
                told = True
    return not told


def _handed_back(piece: Piece, into: Binding) -> bool:
    """Whether a function that the handler calls returns anything; what it returns is not looked
    at."""
    return _RETURNS.search(piece.module.code, into.end, piece.end) is not None


_RETURNS = re.compile(r"\breturn\b(?!\s*(?:[;}]|null\b|true\b|false\b|undefined\b))")


_ELSEWHERE = re.compile(r"\s*await\s+(?:fetch|\w*(?:[sS]end|[nN]otify)\w*)\(")


def _goes_elsewhere(value: str) -> bool:
    """What another service answers is its own, not what it was told; a model repeats it."""
    return _ELSEWHERE.match(value[:80]) is not None and LLM.search(value[:400]) is None


def _in_the_answer(piece: Piece, into: Binding) -> bool:
    held = _held(into.names)
    later = [
        one
        for one in piece.module.bindings_in(piece.start, piece.end)
        if one.start > into.start and not _goes_elsewhere(piece.module.slice(one))
    ]
    for _ in range(4):
        for one in later:
            held |= _held(one.names) if mentions(piece.module.slice(one), held) else set()
    return any(
        mentions(_ONLY_COUNTED.sub(" ", "".join(map(piece.module.slice, call.arguments))), held)
        for call in piece.module.calls_in(piece.start, piece.end)
        if _ANSWERS.search(call.callee)
    )


def _held(names: str) -> set[str]:
    found = set(re.findall(r"[A-Za-z_$][\w$]*(?!\s*:)\b", names))
    return {name for name in found if not re.search(r"(?i)err(?:or)?$", name)}


def table(code: str) -> str:
    named = (next(filter(None, match.groups()), "") for match in _TABLE.finditer(code))
    return next(filter(None, named), "")


def stem(name: str) -> str:
    """`Bookings`, `booking` and `bookings` are one table."""
    return re.sub(r"(?:ies|es|s|y|e)$", "", name.lower())


_WORKS = re.compile(r"\w*(?:storage|db|service|repo\w*|prisma|model|store)\.", re.IGNORECASE)


def only_own(case: Case) -> bool:
    """Whether every statement of the handler asks for what is the caller's, and one does."""
    own = False
    for piece in case.pieces:
        if piece.depth:
            continue
        names = case.flow.of(piece)
        for call in piece.module.calls_in(piece.start, piece.end):
            whole = statement(piece, call)
            works = _WORKS.match(call.callee) or READS.search(whole) or WRITES.search(whole)
            if not works or call.end - call.start > 3_000:
                continue
            if not names.has_caller(whole):
                return False
            own = own or stem(table(whole)) not in {"", "user", "account", "profil", "member"}
    return own


def changed(query: Query) -> bool:
    """Whether the row that was found is written to, by itself or by what it was found for;
    unknown is yes.
    """
    piece = query.spot.piece
    into = _bound(query)
    unknown = piece.depth or not into or not re.fullmatch(r"\w+", into[-1].names)
    return bool(query.writes or query.inserts or unknown) or _saved(piece, into[-1])


def altered(query: Query) -> bool:
    """Whether the row that was found is seen to be written to."""
    piece, into = query.spot.piece, _bound(query)
    plain = bool(into) and re.fullmatch(r"\w+", into[-1].names) is not None
    return query.writes or (plain and _saved(piece, into[-1]))


def _saved(piece: Piece, into: Binding) -> bool:
    name = re.escape(into.names)
    later = piece.module.code[into.end : piece.end]
    made = re.search(_MADE.format(name), later)
    return bool(
        re.search(
            rf"\b{name}[?!]?\.(?:save|update|destroy|remove|delete|deleteOne|set|increment|decrement)\w*\("
            rf"|\b{name}[?!]?(?:\.\w+|\[[^\]]+\])+\s*(?:[-+*/]?=(?!=)|\+\+|--|\.(?:push|pull|splice)\()"
            rf"|\bObject\.assign\(\s*{name}\b|\b(?:delete|remove|update)\w*\([^()]*\b{name}\b",
            later[: made.start()] if made else later,
        )
    )


_MADE = r"(?<![\w$.]){}\s*=\s*(?:await\s+)?(?:new\s+[A-Z]\w*\(|[\w$.]+\.create\()"


_OF_AN_ACCOUNT = {"user", "profil", "account", "wallet", "subscription", "user_subscription"}
_NO_CHANGE_OF_IT = re.compile(r"unsubscri|hook|callback|verif|confirm|reset", re.IGNORECASE)


def overwrites_account(case: Case) -> bool:
    """`.from("profiles").update({ plan }).eq("id", userId)`, whatever the function is called."""
    changes = (one for one in queries(case) if one.writes and not one.inserts and one.alone)
    tables = {stem(one.table) for one in changes}
    return bool(tables & _OF_AN_ACCOUNT) and not _NO_CHANGE_OF_IT.search(case.route.name)
