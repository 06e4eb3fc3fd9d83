"""What an app shows to everybody on purpose: tables that it lists whole, and rows that are read."""

import re

from ...private_rows import PRIVATE
from .access import Case
from .middleware import Access
from .naming import spelled
from .paths import property_of
from .program import Piece
from .queries import statement, stem, table
from .signs import ADMIN_PATH, ASKS_CALLER
from .source import Call

_LISTS = re.compile(
    r"\.findMany$|\.find$|\.findAll$|\.findAndCountAll$|\.from$|\.(?:query|execute|all|manyOrNone)$"
    r"|^(?:storage|db)\.get(?:All)?[A-Z]\w*s$"
)
_BUILT = re.compile(r"(\w+?)(?:Repo(?:sitory)?)\.createQueryBuilder$")
"""What a search puts together piece by piece."""
_OWN = re.compile(
    r"(?<![!<>])=\s*:\w*(?:user|owner|tenant|member|customer|author|me\b|org|company)\w*",
    re.IGNORECASE,
)
"""`ride.driverId != :userId` is everybody else's."""
_RUNS = re.compile(r"\.(?:query|execute|all|manyOrNone)$")
_SQL = re.compile(
    r"^\s*[\"'`]\s*SELECT\b(?![^;]*\bCOUNT\(\*\)[^;]{0,12}FROM)"
    r"(?!\s+(?:COALESCE\(\s*)?(?:SUM|AVG|MIN|MAX)\()",
    re.IGNORECASE,
)
"""Rows, and not what they come to."""


def shared_tables(cases: list[Case]) -> set[str]:
    """Tables that some route lists whole for whoever is signed in: to name one leaks nothing."""
    found: set[str] = set()
    for case in cases:
        open_to_all = case.access in {Access.CALLER, Access.PUBLIC}
        # That a list for administrators is open is a fault of its own, and shares nothing.
        if open_to_all and case.route.method == "GET" and not ADMIN_PATH.search(case.route.path):
            found |= listed(case) | _put_up(case)
    return found - _of_the_house(cases)


def _of_the_house(cases: list[Case]) -> set[str]:
    """What is a person's own, and what only administrators list whole: an account's list of all of
    it is a fault as well, and shows nothing on purpose.
    """
    whole: set[str] = set()
    for case in cases:
        if case.access is Access.ROLE and case.route.method == "GET":
            whole |= {name for name in listed(case) if PRIVATE.search(name)}
    return whole - {"user", "account", "profil", "member"}


def listed(case: Case) -> set[str]:
    whole_tables: set[str] = set()
    of_the_caller: set[str] = set()
    for piece in case.pieces:
        names = case.flow.of(piece)
        for call in piece.module.calls_in(piece.start, piece.end):
            if not _LISTS.search(call.callee) and not call.callee.endswith(".createQueryBuilder"):
                continue
            whole = statement(piece, call)
            if built := _BUILT.search(call.callee):
                (of_the_caller if _OWN.search(piece.code) else whole_tables).add(stem(built[1]))
                continue
            if names.has_caller(whole) or (piece.depth and names.caller):
                of_the_caller.add(stem(table(whole)))
            elif _lists_all(piece, call, whole):
                whole_tables.add(stem(table(whole)))
    return whole_tables - of_the_caller - {""}


_OF_SEQUELIZE = re.compile(
    r"\s*\{\s*(?:attributes|include|order|limit|offset|raw|nest|paranoid|transaction)\b"
)
"""What `findAll` is told beside which rows; a repository's own is told the filters themselves."""


def _lists_all(piece: Piece, call: Call, whole: str) -> bool:
    arguments = " ".join(piece.module.slice(one) for one in call.arguments)
    arguments = spelled(piece, call) or arguments
    if not call.callee.endswith(".from") and _narrowed_on_demand(piece, arguments):
        return True
    if call.callee.endswith(".from"):
        return not re.search(r"\.(?:where|eq|match|filter|in|single|maybeSingle)\(", whole)
    if call.callee.endswith(".findMany") or _OF_SEQUELIZE.match(arguments):
        given = property_of(arguments, "where")
        unasked = not given or re.search(r"\?[^?]*:\s*(?:undefined|\{\s*\})\s*$", given)
        return bool(unasked) and not re.search(r"[{,]\s*where\s*[,}]", arguments)
    if _SQL.match(arguments):
        return not re.search(r"\b(?:WHERE|LIMIT\s+1\b)", arguments, re.IGNORECASE)
    return not arguments.replace("{}", "").strip()


_FILTER = re.compile(r"\s*(?:\{\s*where(?:\s*:\s*(\w+))?\s*[,}]|(\w+)\s*$)")


def _narrowed_on_demand(piece: Piece, arguments: str) -> bool:
    """`const where = {}` that is only filled with what the caller wants less of."""
    found = _FILTER.match(arguments)
    if found is None or piece.depth:
        return False
    name = found[1] or found[2] or "where"
    return any(
        one.names.partition(":")[0].strip() == name and piece.module.slice(one).strip() == "{}"
        for one in piece.module.bindings_in(piece.start, piece.end)
    ) and not ASKS_CALLER.search(piece.code)


def _put_up(case: Case) -> set[str]:
    """Tables of which the same rows are listed for everybody who asks: those that are active,
    those of a category, those that fit a search.
    """
    if ":" in case.route.path or ASKS_CALLER.search(case.own):
        return set()
    found: set[str] = set()
    for piece in case.pieces:
        names = case.flow.of(piece)
        for call in piece.module.calls_in(piece.start, piece.end):
            if names.caller or not _LISTS.search(call.callee) or call.end - call.start > 3_000:
                continue
            whole = statement(piece, call)
            arguments = " ".join(piece.module.slice(one) for one in call.arguments)
            arguments = spelled(piece, call) or arguments
            if not _ONE.search(whole) and (_SQL.match(arguments) or not _RUNS.search(call.callee)):
                found.add(stem(table(whole)))
    return {name for name in found if name and not PRIVATE.search(name)}


_ONE = re.compile(
    r"\.(?:single|maybeSingle)\(|\bLIMIT\s+1\b|\.(?:eq|match|filter|in|is)\(\s*[\"'`](?:\w+_)?id\b"
    r"|[{,]\s*(?:user|owner|customer|client|patient|student|employee|member|account)\s*:\s*[\w.?!]*[iI]d\b"
    r"|[{,(\s](?:_?id|\w+_id|\w+Id)\s*:(?!\s*(?:true|1)\b)|[{,]\s*(?:id|\w+_id|\w+Id)\s*[,}]"
    r"|\b(?:id|\w+_id)\s*=\s*[$?:%]|\beq\(\s*\w+\.(?:id|\w+Id)\s*,",
)
"""One row is asked for, or those of somebody."""
