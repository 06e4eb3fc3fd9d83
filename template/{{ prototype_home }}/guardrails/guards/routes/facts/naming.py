"""Whether a call names a record by something the client sent: `findById(req.params.id)`."""

import re
from collections.abc import Callable

from .paths import property_of
from .program import Piece
from .source import WORD, Call

_FILTERS = {"eq", "match", "filter", "in", "is"}
_WHERE = {"where", "andWhere"}
"""A builder's own: `where("id", id)`, `where("id", "=", id)`."""
_IS_ID = re.compile(r"(?:^|[_.])id$|Id$|_uuid$|guid$")
_BY_ID = re.compile(
    r"^(?:findById\w*|findByPk|findUnique\w*|findFirst\w*|findOne\w*|deleteOne|updateOne"
    r"|delete|update|upsert|destroy|remove"
    r"|where|find|findByGuid|findByUuid|getById|deleteMany|updateMany|query|execute|get|run"
    r"|all|doc)$"
)
_VERB = re.compile(
    r"^(?:get|find|fetch|load|read|update|delete|remove|cancel|approve|mark|set|edit|archive"
    r"|toggle)(?=[A-Z]|$)"
)
_ID = re.compile(
    r"(?:^|[.\[_'\"?!])(?:id|_id|guid|uuid|\w+_?[iI]d|\w+_uuid|\w*Guid"
    r"|\w*Uuid)\b['\"\]]?\s*(?:!|as\s+\w+)?\s*[),}\]]*$"
)


def names_record(piece: Piece, call: Call, sent: Callable[[str], bool]) -> str:
    """`filter` or `insert` where the call names one, by what was sent."""
    arguments = [piece.module.slice(one) for one in call.arguments]
    if not arguments:
        return ""
    arguments[0] = with_filter(piece, call) or arguments[0]
    method = call.callee.rpartition(".")[2]
    if method in {"insert", "upsert"} and ".from(" in call.callee:
        return "insert" if _inserts(arguments[0], sent) else ""
    return "filter" if _filters(piece, call, arguments, sent) else ""


def _filters(piece: Piece, call: Call, arguments: list[str], sent: Callable[[str], bool]) -> bool:
    method = call.callee.rpartition(".")[2]
    spelled_out = method in _WHERE and len(arguments) > 1 and arguments[0][:1] in "'\"`"
    if spelled_out or (method in _FILTERS and len(arguments) == _COLUMN_AND_VALUE):
        named = _IS_ID.search(arguments[0].strip("'\"`"))
        return named is not None and sent(arguments[-1])
    if re.sub(r"<.*", "", call.callee).endswith("sql") or method in {"query", "execute", "prepare"}:
        return _in_sql([spelled(piece, call) or arguments[0], *arguments[1:]], sent)
    if method == "update" and len(arguments) > 1 and property_of(arguments[1], "where"):
        return _direct(arguments[1:], sent)
    by_verb = _VERB.match(method) and not call.callee.startswith("this.set")
    return bool(_BY_ID.match(method) or by_verb) and _direct(arguments, sent)


_COLUMN_AND_VALUE = 2


_SOME_ID = re.compile(r"\b(?:_?id|\w+_id|\w+Id|\w*[uU]uid|AND|OR)\b")


_OF_SOMEBODY = re.compile(
    r"[{,]\s*(?:user|owner|customer|client|patient|student|employee|member|account|driver|buyer|tenant"
    r"|seller|vendor|host|guest|author|doctor|provider|renter|borrower|donor|sender|receiver|recipient)"
    r"\s*:\s*([\w$.?!]+)(?![\w$.?!(])"
    r"|[{,]\s*(?:booking|order|conversation|chat|thread|appointment|invoice|ticket|wallet|loan|rental"
    r"|prescription|reservation|trip|ride|contract|lease|consultation|enrol?lment|shipment|delivery"
    r"|transaction|payment)\s*:\s*([\w$.?!]*[iI]d)(?![\w$.?!(])"
)
"""`{ user: req.params.userId }`: the rows of whoever is named, and `{ booking: bookingId }`."""


_SHORT = re.compile(r"\A\{(?:[^{}]*,)?\s*(\w+(?:Id|_id))\s*(?=[,}])")


def _direct(arguments: list[str], sent: Callable[[str], bool]) -> bool:
    first = arguments[0]
    if first.startswith("{"):
        pair = re.search(r"\b(?:_?id|\w+Id|\w+_id|where)\s*:\s*([^,}]+)", first)
        by_other = pair is not None and pair[1].startswith("{") and not _SOME_ID.search(pair[1])
        short = re.search(r"(?:\bwhere:\s*|\A)\{\s*id\b", first)
        own = _OF_SOMEBODY.search(first)
        named = _SHORT.search(first)
        return (
            (pair is not None and not by_other and sent(pair[1]))
            or bool(short and sent(first))
            or bool(own and sent(own[1] or own[2]))
            or bool(named and sent(named[1]))
            or _by_condition(property_of(first, "where"), sent)
        )
    if "eq(" in first:
        return _by_condition(first, sent)
    return bool(
        _ID.search(
            re.sub(r"^(?:Number|parseInt|String|BigInt)\(([^,()]*)[^()]*\)$", r"\1", first.strip())
        )
    ) and sent(first)


_EQUAL = re.compile(r"\beq\(\s*[\w.]+\.(?:id|\w+Id)\s*,\s*([^)]+)")
"""A condition of Drizzle's, by itself or within `and(...)`."""


def _by_condition(code: str, sent: Callable[[str], bool]) -> bool:
    return any(sent(one[1]) for one in _EQUAL.finditer(code))


def _in_sql(arguments: list[str], sent: Callable[[str], bool]) -> bool:
    text = " ".join(arguments)
    for match in re.finditer(r"\b(?:\w+\.)?(?:id|\w+_id)\s*=\s*\$\{([^}]+)\}", text):
        if sent(match[1]):
            return True
    if len(arguments) > 1 and re.search(
        r"WHERE\s[^;]*\b(?:id|\w+_id)\s*=\s*(?:\$\d|\?)", text, re.IGNORECASE
    ):
        return any(
            _ID.search(one.strip()) for one in arguments[1].strip("[]").split(",") if sent(one)
        )
    return False


def _inserts(code: str, sent: Callable[[str], bool]) -> bool:
    for match in re.finditer(r"\b(\w+_id|\w+Id)\s*(?::\s*([^,}\n]+))?", code):
        if sent(match[2] or match[1]):
            return True
    return False


_RUNS = re.compile(
    r"(?:query|execute|prepare|all|get|run|any|one|none|unsafe|\$queryRawUnsafe|\$executeRawUnsafe"
    r"|(?:one|many)OrNone|many)$"
)


def spelled(piece: Piece, call: Call) -> str:
    """The statement behind the name in `db.query(sql, [id])`, or nothing."""
    name = piece.module.slice(call.arguments[0]).strip() if call.arguments else ""
    if not WORD.fullmatch(name) or not _RUNS.search(call.callee):
        return ""
    texts = [
        piece.module.slice(one)
        for one in piece.module.bindings_in(piece.start, piece.end)
        if one.names.strip() == name and one.end <= call.start
    ]
    return texts[-1] if texts and texts[-1].lstrip()[:1] in "'\"`" else ""


_HELD = re.compile(r"(\bwhere)\s*(?::\s*([A-Za-z_$][\w$]*))?(?=\s*[,}])")
_ASKS = re.compile(r"(?:^|\.)(?:find|count|aggregate|delete|destroy|update|exists)\w*$")
_BY_FILTER = re.compile(r"\.(?:find\w*|count\w*|exists|(?:delete|update)(?:One|Many))$")
"""What is told first says which rows: `update(changes)` is told what becomes of them."""


def with_filter(piece: Piece, call: Call) -> str:
    """The first argument with what a filter holds that was put together before: `find(filter)`,
    `findAll({ where: whereClause })`; nothing where there is no such name.
    """
    first = piece.module.slice(call.arguments[0]).strip() if call.arguments else ""
    if not _ASKS.search(call.callee) or len(first) > _LONGEST:
        return ""
    if WORD.fullmatch(first):
        if not _BY_FILTER.search(call.callee):
            return ""
        return _held(piece, call, first)
    found = _HELD.search(first) if first.startswith("{") else None
    told = _held(piece, call, found[2] or found[1]) if found else ""
    return f"{first[: found.start()]}where: {told}{first[found.end() :]}" if found and told else ""


_LONGEST = 3_000


_ADDED = (
    r"(?<![\w$.]){}(?:\.([\w$]+)|\[([\w.]+)\])\s*=(?!=)\s*"
    r"([^\n;]*[\[{{(]\s*\n[^;]{{0,300}}|[^\n;]+)"
)
"""`wanted.userId = req.user.id`, over several lines where a bracket is open."""


def _held(piece: Piece, call: Call, name: str) -> str:
    """What an object of the handler's holds when it is used, with what was added to it."""
    values = [
        piece.module.slice(one).strip()
        for one in piece.module.bindings_in(piece.start, piece.end)
        if one.end <= call.start and re.match(rf"{re.escape(name)}\s*(?::|$)", one.names.strip())
    ]
    if not values or not values[-1].startswith("{") or not values[-1].endswith("}"):
        return ""
    before = piece.module.code[piece.start : call.start]
    added = re.findall(_ADDED.format(re.escape(name)), before)
    more = "".join(f", {one or key}: {value}" for one, key, value in added)
    return f"{values[-1][:-1].rstrip().rstrip(',')}{more} }}"
