"""Accounts handed back to whom they are of, with all their columns: the hash goes along.

Whoever reads a browser's storage, its logs or a proxy's has something to guess the password by.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.models import HASH, keeps_hash, model_text, prisma_model
from ..facts.populated import SIGNS_IN_BY
from ..facts.program import CODE, Piece, Program
from ..facts.source import Call
from .say import MEDIUM, at_route, finding, on_the_way, place

_COMPARED = re.compile(
    r"\b(?:(?:bcrypt\w*|argon2|scrypt\w*)\.(?:compare|verify)\w*"
    r"|(?:compare|verify|match|check|is_?[vV]alid)\w*)\((?P<given>[^;()]*(?:\([^()]*\)[^;()]*)*)\)"
    r"|(?<![\w$.])(?P<row>\w+)[!?]?\.(?:compare|match|verify|check|isValid|validate)_?[pP]assword\w*\("
    r"|(?<![\w$.])(?P<plain>\w+)[!?]?\.password\s*!==?\s*(?!['\"]|null|undefined)\w"
)
"""Who can compare the password of a row has the row with its hash."""
_KEPT_IN = re.compile(r"(?<![\w$.])(\w+)[!?]?\.(?:hashed_?)?[pP]assword\w*")
_SENT = re.compile(r"this|req|body|data|input|values|payload|credentials|\w*(?:dto|Dto|Data|Input)")
_ADDED = re.compile(
    r"(?<!auth)\.(?:create|save|insert|createUser|registerUser|addUser|values)\(\s*(?:\{\s*data\s*:\s*)?"
    r"\{[^{}]*(?<![\w$.])(?P<key>(?:hashed_?)?password\w*)\s*(?::|[,}])"
    r"|\bnew\s+[A-Z]\w*\(\s*\{[^{}]*(?<![\w$.])password\w*\s*[:,}]",
    re.IGNORECASE,
)
_BY_A_PROVIDER = re.compile(r"\bauth\b|supabase|firebase|clerk|cognito|keycloak", re.IGNORECASE)
_CHOSEN = re.compile(
    r"\bselect\s*:|\bomit\s*:|returning\(\s*\{|\.select\(|sanitiz|exclude|[pP]assword\w*\s*(?:,|:\s*_\w*)[^;{}()]*\}\s*=",
    re.IGNORECASE,
)
_OWN_ROW = re.compile(
    r"\s*(?:await\s+)?(?:(?:prisma|db|this\.prisma)\.(?P<prisma>\w+)|(?P<model>[A-Z]\w*))"
    r"\.(?:findById|findByPk|findOne|findUnique|findFirst)\w*\("
)
_ANSWERS = re.compile(r"(?:\.json|\.send|Response\.json)$")
_HANDED = re.compile(r"(?<![\w$])[A-Za-z_$][\w$.?!]*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)")
"""What a function makes of it: `...shown(user)`."""
_SAYS = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")
_WITHOUT = re.compile(r"password\w*['\"]?\s*:\s*(?:undefined|null|_|['\"])", re.IGNORECASE)
_NEVER_SHOWN = re.compile(
    r"(?:toJSON|transform)\b[\s\S]{0,300}?[pP]assword"
    r"|@Exclude\([^)]*\)[\s\S]{0,120}?\bpassword|\$omit|omit\s*:\s*\{[^{}]*\{[^{}]*password"
)
"""However a row is answered with, the hash is left out."""
_DEEPEST = 4


@dataclass(frozen=True)
class _Row:
    piece: Piece
    name: str
    at: int
    """Behind this it is there."""


def handed_back(cases: list[Case], told: set[str]) -> Iterator[Finding]:
    files: dict[str, list[tuple[Case, Piece, int]]] = defaultdict(list)
    for case in cases:
        if case.route.label in told:
            continue
        for piece in case.pieces:
            for row in _rows(case, piece):
                if found := _goes_out(case, row):
                    files[found[0].module.path].append((case, *found))
                    break
    for hits in files.values():
        case, piece, at = hits[0]
        if _never_shown(case.program):
            return
        others = {one[0].route.label for one in hits} - {case.route.label}
        more = f", and so do {len(others)} more routes" if others else ""
        message = (
            f"{case.route.label} hands the account back to whoever it is of with all its columns, "
            f"the hash of the password included{more}"
        )
        also = [at_route(case), *on_the_way(piece)]
        also += [place(one[1].module, one[2]) for one in hits[1:]]
        where = place(piece.module, at, case.route.label)
        yield finding("authz.pii-exposed", where, message, MEDIUM, also)


def _never_shown(program: Program) -> bool:
    paths = (path for path in program.tree.files if path.endswith(CODE))
    return any(_NEVER_SHOWN.search(program.text(path) or "") for path in paths)


def _rows(case: Case, piece: Piece) -> Iterator[_Row]:
    """The names of a piece that hold a whole account: compared, added, or one's own."""
    for found in _COMPARED.finditer(piece.code):
        named = _KEPT_IN.findall(found["given"]) if found["given"] else []
        for name in (*named, found["row"], found["plain"]):
            if name and not _SENT.fullmatch(name):
                yield _Row(piece, name, piece.start + found.end())
    for one in piece.module.bindings_in(piece.start, piece.end):
        name = one.names.strip().strip("[]").partition(":")[0].strip()
        value = piece.module.slice(one)
        if not re.fullmatch(r"[\w$]+", name) or len(value) > 1_500 or _CHOSEN.search(value):
            continue
        if _added(case, piece, value) or _is_own(case, piece, value):
            yield _Row(piece, name, one.end)


def _added(case: Case, piece: Piece, value: str) -> bool:
    found = _ADDED.search(value)
    if found is None or _BY_A_PROVIDER.search(value[: found.end()]) or "=>" in value:
        return False
    called = re.match(r"\s*(?:await\s+)?([\w$.]+)\(", value)
    there = case.program.function(piece.module, called[1]) if called else None
    return there is None or _CHOSEN.search(there[0].slice(there[1])) is None


def _is_own(case: Case, piece: Piece, value: str) -> bool:
    read = _OWN_ROW.match(value)
    if read is None or not case.flow.of(piece).has_caller(value) or re.search(r",\s*['\"{]", value):
        return False
    if read["prisma"]:
        return HASH.search(prisma_model(case.program, read["prisma"])) is not None
    text = model_text(case.program, piece.module, read["model"])
    return keeps_hash(text) and SIGNS_IN_BY.search(text) is not None


def _goes_out(case: Case, row: _Row, depth: int = 0) -> tuple[Piece, int] | None:
    """Where the row is answered with as it is, in the handler or in what calls this for it."""
    piece, module = row.piece, row.piece.module
    later = module.code[row.at : piece.end]
    if re.search(
        rf"\b{row.name}[!?]?\.\w*(?:[pP]assword|[hH]ash)\w*\s*=(?!=)|\bdelete\s+\(?{row.name}\b",
        later,
    ):
        return None
    names = {row.name, *_same(piece, row)}
    whole = re.compile(
        rf"(?:(?<![\w$.])|(?<=\.\.\.))(?:{'|'.join(map(re.escape, sorted(names)))})"
        r"(?:\.rows\[0\])?(?![\w$.(\[?!]|\s*[:?&|=])"
    )
    for call in module.calls_in(row.at, piece.end):
        given = module.slice(call.arguments[0]) if call.arguments else ""
        if _ANSWERS.search(call.callee) and _is_in(whole, given) and call.end - call.start < 2_000:
            return piece, call.start
    for found in re.finditer(
        r"\breturn\s+(?:await\s+)?(\{[^;]*?\}\s*(?=;|\n)|[\w$]+(?=\s*[;\n}]))", later
    ):
        if _is_in(whole, found[1]):
            return _handed_up(case, row, found, depth)
    return None


def _is_in(whole: "re.Pattern[str]", given: str) -> bool:
    return (
        not _WITHOUT.search(given)
        and whole.search(_HANDED.sub("", _SAYS.sub("", given))) is not None
    )


def _same(piece: Piece, row: _Row) -> Iterator[str]:
    """Other names of it: `const shown = user.toObject()`."""
    name = re.escape(row.name)
    copied = re.compile(
        rf"\b{name}\.toObject\(\s*\)|\{{\s*\.\.\.{name}\s*[,}}]|\b{name}\._doc\b|\s*{name}\s*$"
    )
    for one in piece.module.bindings_in(piece.start, piece.end):
        value = piece.module.slice(one)
        other = one.names.partition(":")[0].strip()
        taken = rf"delete\s+\(?{re.escape(other)}\b|\b{re.escape(other)}\.password\w*\s*=(?!=)"
        if (
            one.start >= row.at
            and re.fullmatch(r"[\w$]+", other)
            and len(value) < 200
            and copied.search(value)
            and not _WITHOUT.search(value)
            and not re.search(taken, piece.module.code[one.end : piece.end])
        ):
            yield other


def _handed_up(
    case: Case, row: _Row, found: "re.Match[str]", depth: int
) -> tuple[Piece, int] | None:
    piece = row.piece
    at = row.at + found.start()
    giver = piece.giver
    if giver is None:
        return (piece, at) if case.route.kind in {"nest", "action", "procedure"} else None
    if depth >= _DEEPEST or piece.function is None:
        return None
    for call in _calls_of(case, piece, giver):
        if into := _into(giver, call, row.name, found[1]):
            further = _goes_out(case, _Row(giver, into, call.end), depth + 1)
            if further:
                return further
        elif re.search(r"(?:\breturn|=>)\s*(?:await\s+)?$", _before(giver, call)):
            return (piece, at) if giver.giver is None and case.route.kind == "nest" else None
        elif re.search(r"\.(?:json|send)\((?:[^()]*[:,]\s*)?(?:await\s+)?$", _before(giver, call)):
            return giver, call.start
    return None


def _calls_of(case: Case, piece: Piece, giver: Piece) -> Iterator[Call]:
    for call in giver.module.calls_in(giver.start, giver.end):
        there = case.program.function(giver.module, call.callee)
        if there is not None and there[1] is piece.function and call.arguments == piece.given:
            yield call


def _before(giver: Piece, call: Call) -> str:
    return giver.module.code[max(giver.start, call.start - 120) : call.start]


def _into(giver: Piece, call: Call, name: str, returned: str) -> str:
    """The name that gets it: of `const { token, user: me } = await signIn(...)` it is `me`."""
    for one in giver.module.bindings_in(giver.start, giver.end):
        if not (one.start <= call.start < one.end) or "=>" in giver.module.slice(one):
            continue
        if re.fullmatch(r"[\w$]+", one.names.partition(":")[0].strip()):
            return one.names.partition(":")[0].strip()
        key = re.search(rf"(\w+)\s*:\s*(?:\{{\s*\.\.\.)?{re.escape(name)}\b", returned)
        wanted = key[1] if key else name
        taken = re.search(rf"(?<![\w$]){re.escape(wanted)}\s*(?::\s*(\w+))?\s*[,}}]", one.names)
        return (taken[1] or wanted) if taken else ""
    return ""
