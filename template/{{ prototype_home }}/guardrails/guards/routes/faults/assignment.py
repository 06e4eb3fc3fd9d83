"""Bodies that are stored as they came: the client decides every column."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.middleware import Access
from ..facts.program import Piece
from ..facts.signs import STORES
from ..facts.source import Call, Module
from .say import CRITICAL, HIGH, LOW, MEDIUM, at_route, finding, place

_WHOLE_BODY = re.compile(
    r"\{(?:[^{}]*,)?\s*\.\.\.\s*(?:req|request|ctx\.request)\.body\b|^\s*(?:req|request"
    r"|ctx\.request)\.body\s*$|^\s*await\s+(?:req|request)\.json\(\)\s*$"
    r"|(?:\bdata|\$set['\"]?)\s*:\s*(?:req|request)\.body\s*[,}]"
)


def mass_assignment(cases: list[Case]) -> Iterator[Finding]:
    files: dict[tuple[str, bool], list[_Hit]] = defaultdict(list)
    asking = {case.route.app for case in cases if _asks_for_roles(case)}
    for case in cases:
        action = case.route.kind == "action"
        if case.access is Access.SIGNATURE or (case.bound_by_rows and not action):
            continue
        trusted = _asks_for_roles(case) or case.bound_by_rows
        for hit in _hits(case):
            files[hit.piece.module.path, trusted].append(hit)
    told: set[tuple[str, int]] = set()
    for (_, trusted), every in sorted(files.items(), key=lambda one: one[0][1]):
        hits = [one for one in every if (one.piece.module.path, one.at) not in told]
        told |= {(one.piece.module.path, one.at) for one in hits}
        if not hits:
            continue
        first = max(hits, key=lambda one: _of_account(one, asking))
        routes = len({one.case.route.label for one in hits}) - 1
        more = f", and {routes} more routes do" if routes else ""
        own = _of_account(first, asking) and not trusted
        role = ", their role among them" if own else ""
        message = (
            f"{first.case.route.label} stores the whole body of the request ({first.callee}): the "
            f"client decides every column{role}{more}"
        )
        also = [place(one.piece.module, one.at) for one in hits]
        also += [] if routes else [at_route(first.case)]
        also += [place(*on_the_way) for one in hits for on_the_way in one.way]
        user = re.search(r"(?i)user|account", first.callee)
        severity = LOW if trusted else CRITICAL if own else HIGH if user else MEDIUM
        where = place(first.piece.module, first.at, first.callee)
        yield finding("authz.mass-assignment", where, message, severity, also)


@dataclass(frozen=True)
class _Hit:
    case: Case
    piece: Piece
    at: int
    callee: str
    way: tuple[tuple[Module, int], ...]
    """Where the body is put into an object of a function's own, and handed on."""


_OF_THE_ROW = re.compile(r"^(?!.*(?i:admin|role|permission)).*(?i:access|owner)")
"""`validateNoteAccess()` asks whose the row is, and nothing of what kind of user calls."""
_ROLE_COLUMN = re.compile(r"\.(?:role|is_?[aA]dmin|user_?[rR]ole)\b")
_WITHOUT_ROLE = re.compile(r"\bdelete\s+\w+(?:\.\w+)*?(?:\.|\[['\"])(?:role|is_?[aA]dmin)\b")
_ACCOUNT = re.compile(
    r"(?:^|[.\s('\"])(?:\w*[uU]sers?|accounts?|profiles?|members?|staff)\w*[.('\"]"
)


def _asks_for_roles(case: Case) -> bool:
    asked = re.sub(r"'[^']*'|\"[^\"]*\"", "", case.why)  # `authorize("owner")` names a role
    return case.access is Access.ROLE and not _OF_THE_ROW.search(asked)


def _of_account(hit: _Hit, asking: set[str]) -> bool:
    """Whether the caller's own account is written whole, where accounts have a role."""
    case = hit.case
    if case.route.app not in asking or not _ACCOUNT.search(hit.callee):
        return False
    statement_of = hit.piece.module.code[hit.at : hit.at + 300]
    column = _ROLE_COLUMN.search(statement_of) or _WITHOUT_ROLE.search(case.code)
    by_caller = case.flow.of(hit.piece).has_caller(statement_of)
    return column is None and by_caller and ":" not in case.route.path


def _hits(case: Case) -> Iterator[_Hit]:
    """What the handler stores whole, else what the functions do that it hands the body to."""
    whole: dict[tuple[str, int], set[str]] = {}
    pieces = {(one.module.path, one.function.start) for one in case.pieces if one.function}
    for piece in case.pieces:
        names = _held(piece, whole)
        whole[piece.module.path, piece.start] = names
        if piece.depth and not names:
            continue
        found = False
        for call in piece.module.calls_in(piece.start, piece.end):
            there = case.program.function(piece.module, call.callee)
            followed = there and (there[0].path, there[1].start) in pieces and piece.depth < _DEEP
            if followed or not _stores_body(piece, call, names) or _picked(case, piece, call):
                continue
            found = True
            yield _Hit(case, piece, call.start, call.callee, tuple(_way(piece, whole)))
        for at, row in _copied(piece, names):
            found = True
            yield _Hit(case, piece, at, f"{row}.save", tuple(_way(piece, whole)))
        if found:
            return


_EACH_KEY = re.compile(
    r"(?:\bfor\s*\(\s*(?:const|let|var)\s+\[?\s*(?P<a>\w+)[\s\w,]*\]?\s+(?:of\s+Object\.(?:keys|entries)\(\s*|in\s+)"
    r"|\bObject\.(?:keys|entries)\(\s*)(?P<sent>[\w.]+)\s*\)"
    r"(?:\s*\.forEach\(\s*(?:function\s*)?\(?\[?\s*(?P<b>\w+))?"
)
_PICKS = re.compile(r"\b(?:includes|has|allowed\w*|hasOwn\w*)\b|\bswitch\b|[!=]==", re.IGNORECASE)


def _copied(piece: Piece, held: set[str]) -> Iterator[tuple[int, str]]:
    """`Object.keys(body).forEach((key) => { row[key] = body[key] })`, and the row is kept."""
    for each in _EACH_KEY.finditer(piece.code):
        key = each["a"] or each["b"]
        if not key or not (each["sent"] in held or _READ.fullmatch(each["sent"])):
            continue
        after = piece.code[each.end() : each.end() + 400]
        set_ = re.search(rf"(?<![\w$.])([a-z]\w*)\[{key}\]\s*=(?!=)", after)
        if set_ is None or _PICKS.search(after[: set_.start()]):
            continue
        if re.search(rf"\b{set_[1]}\.save\(", piece.code):
            yield piece.start + each.start(), set_[1]


def _way(piece: Piece, whole: dict[tuple[str, int], set[str]]) -> Iterator[tuple[Module, int]]:
    at: Piece | None = piece
    while at is not None:
        names = whole.get((at.module.path, at.start), set())
        for one in at.module.bindings_in(at.start, at.end):
            value = at.module.slice(one)
            spread = _SPREAD.match(value)
            if (spread and spread[1] in names) or (value[:1] == "{" and _READ.fullmatch(value)):
                yield at.module, one.start
        if at.giver and at.given:
            yield at.giver.module, at.given[0].start
        at = at.giver


_DEEP = 3


def _held(piece: Piece, whole: dict[tuple[str, int], set[str]]) -> set[str]:
    """The names of a piece that hold the body as it came."""
    giver = piece.giver
    if giver is None:
        return _whole(piece, {*_nest_bodies(piece), *_unchecked(piece), *_told_an_action(piece)})
    names = whole.get((giver.module.path, giver.start), set())
    parameters = piece.function.parameters if piece.function else ()
    handed = {
        word[0]
        for text, given in zip(parameters, piece.given, strict=False)
        if (word := re.match(r"(?:(?:private|public|readonly)\s+)*(\w+)", text))
        and _is_whole(giver.module.slice(given).strip(), names)
    }
    return _whole(piece, handed) if handed else set()


def _is_whole(given: str, names: set[str]) -> bool:
    given = _SPELLED_OTHERWISE.sub(r"\1", given)
    spread = _SPREAD.match(given)
    held = given in names or (spread is not None and spread[1] in names)
    return held or _READ.fullmatch(given) is not None


_NEST_BODY = re.compile(
    r"@Body\(\s*\)\s*(\w+)\s*(?::\s*(?:any|unknown|object|Record<.*|Partial<.*|\w+\[\]))?\s*$",
    re.DOTALL,
)
"""Without a class for it, no pipe looks what is in it."""


def _nest_bodies(piece: Piece) -> Iterator[str]:
    for text in piece.function.parameters if piece.function else ():
        if found := _NEST_BODY.match(text):
            yield found[1]


_SERVED = re.compile(r"\A\s*['\"]use server['\"]")
_ANYTHING = re.compile(
    r"(\w+)\s*(?::\s*(?:any|unknown|object|Record<.*|Partial<.*|Prisma\.\w+))?\s*$", re.DOTALL
)


_SHAPED = re.compile(
    r"(\w+)\s*\??\s*:\s*(?:\{|(?:Partial|Omit|Pick|Readonly|z\.infer)<"
    r"|(?!FormData\b|File\b|Date\b|Blob\b|Array\b|Set\b|Map\b|Promise\b)[A-Z]\w*(?!\w)(?!\s*\[))"
)
"""`changes: Partial<Plot>`: a type is for the compiler, and nothing of it is there when it runs."""
_LOOKED_INTO = re.compile(r"\b(?:safeParse|parse|validate)\w*\(", re.IGNORECASE)


def _told_an_action(piece: Piece) -> Iterator[str]:
    """`updateProfile(values: Changes)` of a server action: whoever calls it writes the argument."""
    if piece.function is None or not _SERVED.match(piece.module.text):
        return
    looked_into = _LOOKED_INTO.search(piece.code) is not None
    for text in piece.function.parameters:
        found = _ANYTHING.match(text) or (None if looked_into else _SHAPED.match(text))
        if found:
            yield found[1]


_LETS_ALL_IN = re.compile(
    r"\.input\(\s*(?:\(?\s*\w+\s*(?::\s*\w+)?\s*\)?\s*=>\s*\w+(?:\s+as\s+(?:any|Record<[^()]*>))?\s*\)"
    r"|z\.(?:any|unknown)\(\)\s*\)|z\.record\(|z\.object\([\s\S]{0,400}?\)\.passthrough\(\)\s*\))"
)


def _unchecked(piece: Piece) -> Iterator[str]:
    """`.input((value) => value as any)` of a procedure: what is sent is handed on as it is."""
    if _LETS_ALL_IN.search(piece.code) and piece.function is not None:
        yield from {"input"} & set(re.findall(r"\w+", " ".join(piece.function.parameters)))


def _stores_body(piece: Piece, call: Call, held: set[str]) -> bool:
    if call.callee == "Object.assign":
        sources = [piece.module.slice(one).strip() for one in call.arguments[1:]]
        copied = any(_WHOLE_BODY.search(one) or one in held for one in sources)
        return copied and ".save(" in piece.code
    if not (STORES.search("." + call.callee) or re.match(r"[A-Z]\w+$", call.callee)):
        return False
    if re.search(r"[Ss]chema|Object|Response|safeParse|Error|URL|Set|Map", call.callee):
        return False
    names = "|".join(map(re.escape, held))
    stores = "." in call.callee or call.callee[:1].isupper()  # a helper may take out what it wants
    told = names and stores and not _ELSEWHERE.search(call.callee)
    given = _GIVEN.replace("NAME", names) if told else ""
    given += r"|[{,]\s*data\s*[,}]" if given and "data" in held else ""
    return any(
        _WHOLE_BODY.search(text) or (given and re.search(given, text))
        for text in map(piece.module.slice, call.arguments)
    )


_READ = re.compile(
    r"\s*(?:\(?\s*await\s+)?(?:req|request|_req|c\.req|ctx\.request)\.(?:json\(\)|body)\s*\)?\s*(?:as\b[^;]*)?"
    r"|\s*\{\s*\.\.\.(?:req|request|ctx\.request)\.body\s*(?:,[^{}]*)?\}\s*"
)
_SPREAD = re.compile(r"\s*\{\s*\.\.\.\s*(\w+)\s*[,}]")
_OTHER_CASE = r"(?:\w+\.)?\w*(?:[sS]nake|[cC]amel|[cC]ase|[kK]eys)\w*\(\s*"
"""`toSnakeCase(body)`: the same fields, as the store spells them."""
_SPELLED_OTHERWISE = re.compile(rf"^\s*{_OTHER_CASE}([\w.]+)\s*\)\s*$")
_REST = re.compile(r"\{[^{}]*\.\.\.\s*(\w+)\s*\}\s*$")
_GIVEN = (
    rf"^\s*{_OTHER_CASE}(?:NAME)\s*\)\s*$|"
    r"^\s*\[?\s*(?:NAME)\s*\]?\s*$|(?:\bdata|\$set['\"]?)\s*:\s*(?:NAME)\s*[,}]"
    r"|^\s*\[?\s*\{(?:[^{}]*,)?\s*\.\.\.(?:NAME)\s*[,}]|(?:\bdata|\$set['\"]?)\s*:\s*\{(?:[^{}]*,)?\s*\.\.\.(?:NAME)\s*[,}]"
)
_ELSEWHERE = re.compile(
    r"stripe|openai|anthropic|resend|mail|axios|fetch|queue|redis|cache|storage\b", re.IGNORECASE
)
"""What a provider is sent, it judges itself."""


def _whole(piece: Piece, handed: set[str]) -> set[str]:
    """The names that hold all of the body, or all that the code didn't take out of it."""
    found = set(handed)
    for one in piece.module.bindings_in(piece.start, piece.end):
        value = _SPELLED_OTHERWISE.sub(r"\1", piece.module.slice(one))
        names = one.names.strip()
        spread = _SPREAD.match(value)
        whole = _READ.fullmatch(value) is not None or value.strip() in found
        whole = whole or (spread is not None and spread[1] in found)
        rest = _REST.search(re.sub(r"\s*:\s*[A-Z][\w<>\[\]., |]*$", "", names))
        if whole and rest:
            found.add(rest[1])
        elif whole and re.fullmatch(r"\w+", names):
            found.add(names)
    return found


def _picked(case: Case, piece: Piece, call: Call) -> bool:
    """A function of the program's own that takes the fields one by one, and never all of them."""
    there = case.program.function(piece.module, call.callee)
    at = next(
        (n for n, it in enumerate(call.arguments) if _WHOLE_BODY.search(piece.module.slice(it))), -1
    )
    if there is None or not 0 <= at < len(there[1].parameters):
        return False
    home, function = there
    name = re.match(r"\w+", function.parameters[at])
    inside = home.code[function.start : function.end].partition("{")[2]
    if name is None:
        return function.parameters[at].startswith("{") and "..." not in function.parameters[at]
    whole = rf"(?<![\w.$])(?:\.\.\.)?{name[0]}(?![\w$?]|\s*[.?\[:])"
    return re.search(whole, inside) is None
