"""Roles: who administers without one, and who appoints themselves."""

import re
from collections.abc import Iterator
from dataclasses import replace

from ....engine.finding import Finding, Place
from ..facts.access import Case, Spot
from ..facts.flow import mentions
from ..facts.meant import first_start, not_in_production
from ..facts.middleware import Access
from ..facts.program import CODE, Piece
from ..facts.queries import only_own
from ..facts.signs import ADMIN_PATH, BODY, STORES
from ..facts.source import Call
from ..facts.table import Guarding
from ..facts.ties import tied
from .say import CRITICAL, HIGH, MEDIUM, at_route, at_spot, finding, place

_ROLE_WORD = re.compile(
    r"^(?:role|roles|is_?admin|user_?role|account_?type|user_?type|is_?super\w*)$", re.IGNORECASE
)
_ACCOUNT_PATH = re.compile(
    r"regist|sign-?up|profile|users?\b|account|auth|role|onboard|complete|setup", re.IGNORECASE
)
_HOUSEWORK = re.compile(
    r"[/-](?:clean-?up|purge|auto-[a-z-]+|recalculate[a-z-]*|backfill|migrate|seed|expire-[a-z-]+"
    r"|reset-all|delete-all|sync-all)(?:/|$)",
    re.IGNORECASE,
)
_ME = re.compile(r"(?i)/(?:me|profile|self|login|log-in|check|verify|logout|session|status)\b")


def roles(case: Case) -> Iterator[Finding]:
    appointed = list(_self_assigned(case))
    yield from appointed
    kept = _keeps_accounts(case)
    label = case.route.name if case.route.kind == "edge" else case.route.path
    if (
        case.access is not Access.CALLER
        or not (
            ADMIN_PATH.search(label)
            or _decides(case)
            or (kept and not appointed)
            or (_HOUSEWORK.search(label) and _for_nobody(case))
        )
        or _ME.search(label)
        or case.bound_by_rows
        or first_start(case)
        or not_in_production(case)
        or only_own(case)
        or _said(case)
    ):
        return
    admins = ADMIN_PATH.search(label) is not None
    changes = {"write", "delete", "read"} if admins else {"write", "delete"}
    if any(name in changes for name, _ in case.effects()) and not tied(case):
        decides = "whoever decides over others" if _decides(case) else "whoever keeps the house"
        decides = "whoever keeps the accounts" if kept else decides
        whose = "administrators" if admins else decides
        message = (
            f"{case.route.label} is for {whose}, and asks only whether "
            f"somebody is signed in ({case.why})"
        )
        where = at_spot(kept, case.route.label) if kept else at_route(case)
        yield finding("authz.missing-role-check", where, message, also=[at_route(case)])


_ACCOUNTS = re.compile(
    r"\.auth\.admin\.(?:createUser|deleteUser|updateUserById|inviteUserByEmail)$"
)

_SIGNS_UP = re.compile(r"sign-?_?up|regist|onboard|guest|accept", re.IGNORECASE)


def _keeps_accounts(case: Case) -> Spot | None:
    """Where it makes or ends accounts of others, whose address or id the request names."""
    if not case.service or case.token_in_hand or _SIGNS_UP.search(case.route.label):
        return None
    for piece in case.pieces:
        names = case.flow.of(piece)
        for call in piece.module.calls_in(piece.start, piece.end):
            given = piece.module.slice(call.arguments[0]) if call.arguments else ""
            if not _ACCOUNTS.search(call.callee) or not names.has_sent(given):
                continue
            if not names.has_caller(given):
                return Spot(piece, call.start)
    return None


_DECIDES = re.compile(r"(?:[/.-]|^)(?:approve|reject)(?![a-z])[\w-]*(?:\(\))?$")
_DECISION = re.compile(
    r"\b(?:status|verified|state|approval_?[sS]tatus|is_?[aA]pproved)['\"]?\s*(?::|=(?!=))\s*"
    r"(?:['\"](?:approved|rejected|active|inactive|verified|declined)['\"]|true\b)"
)


def _decides(case: Case) -> bool:
    """`POST /applications/:id/approve`: what was applied for is granted, by anybody."""
    named = _DECIDES.search(case.route.label) is not None
    return named and case.route.writes and _DECISION.search(case.code) is not None


def _for_nobody(case: Case) -> bool:
    """Whether it runs over everybody's rows: nothing but the check names the caller."""
    first = case.pieces[0]
    names = case.flow.of(first)
    return not any(
        names.has_caller(code) or names.has_sent(code)
        for call in first.module.calls_in(first.start, first.end)
        for one in call.arguments
        if (code := first.module.slice(one)) and "function" not in one.kind
    )


_FOR_ALL = re.compile(
    r"//.*\b(?:any|all|every)\s?(?:authenticated|signed|logged|users?|roles?|body|one)\b",
    re.IGNORECASE,
)


def _said(case: Case) -> bool:
    """The lines above the route say that it is for whoever has signed in."""
    line = case.route.line
    above = case.route.module.text.split("\n", line)[max(0, line - 4) : line - 1]
    return any(_FOR_ALL.search(one) for one in above)


_METADATA = re.compile(r"\bauth\.updateUser\(")
"""No policy stands before what one writes about oneself there."""
_CHANGES_ONE = re.compile(r"\.(?:set|update\w*|findByIdAnd\w+|findOneAnd\w+)$")


_ASKED_ROLES = re.compile(r"['\"](\w+)['\"]")
_HIGHEST = re.compile(r"admin|owner|super|root", re.IGNORECASE)
_PEOPLE_PATH = re.compile(r"members?\b|staff\b|employees?\b|team\b|users?\b", re.IGNORECASE)


def _lower_roles(case: Case) -> bool:
    """Whether the guards let in others than administrators: `requireRole("admin", "staff")`."""
    if case.access is not Access.ROLE or not _PEOPLE_PATH.search(case.route.label):
        return False
    named = [role for one in case.route.guards[-3:] for role in _ASKED_ROLES.findall(one.code)]
    high = [role for role in named if _HIGHEST.search(role)]
    return bool(high) and len(high) < len(named)


def _self_assigned(case: Case) -> Iterator[Finding]:
    lower = _lower_roles(case)
    if not _may_take_one(case, lower=lower):
        return
    for piece in filter(_is_told_a_role, reversed(case.pieces[:6])):
        told = list(_stored_roles(case, piece))
        if told:
            worst = max(told, key=lambda one: one.severity or HIGH)
            others = (one.place for one in told if one is not worst)
            worst = replace(worst, also=tuple(dict.fromkeys((*worst.also, *others))))
            yield replace(worst, message=_BY_STAFF.format(case.route.label)) if lower else worst
            return


def _stored_roles(case: Case, piece: Piece) -> Iterator[Finding]:
    """A role of the request in each of the rows that it is put into."""
    names = case.flow.of(piece)
    for call in piece.module.calls_in(piece.start, piece.end):
        if case.bound_by_rows and not _METADATA.search(call.callee + "("):
            continue
        stores = STORES.search("." + call.callee) or re.match(r"[A-Z]\w+$", call.callee)
        if not stores or call.end - call.start > 2_500 or not call.arguments:
            continue
        at = _role_given(piece, list(_rows_of(piece, call)), names.sent)
        if at < 0 or re.search(r"(?:[Ss]chema|Error|Response)$", call.callee):
            continue
        if case.access is Access.PUBLIC and _CHANGES_ONE.search(call.callee):
            return  # anybody at all may change whom they like, which is said by itself
        yield _role_finding(case, piece, at)


def _rows_of(piece: Piece, call: Call) -> Iterator[tuple[int, int]]:
    """What a call is given, spelled out there or under the name that it is given."""
    for one in call.arguments:
        if "function" in one.kind:
            continue
        yield one.start, one.end
        name = piece.module.slice(one).strip()
        for made in piece.module.bindings_in(piece.start, piece.end):
            if made.names.partition(":")[0].strip() == name and _OBJECT.match(
                piece.module.slice(made)
            ):
                yield made.start, made.end


_OBJECT = re.compile(r"\{\s*\w")
_ROLE_GIVEN = re.compile(
    r"\b(?:role|roles|is_?[aA]dmin|user_?[rR]ole|user_?[tT]ype)\b|^\s*[\w.]+\s*$"
)


def _is_told_a_role(piece: Piece) -> bool:
    """The handler itself, and what it hands the role or all of the body to."""
    giver = piece.giver
    if giver is None:
        return piece.depth == 0
    told = any(_ROLE_GIVEN.search(giver.module.slice(one)) for one in piece.given)
    return told and _is_told_a_role(giver)


def _may_take_one(case: Case, *, lower: bool) -> bool:
    """Whether the route makes or changes accounts, for callers who are to give themselves none."""
    if case.access not in {Access.PUBLIC, Access.CALLER} and not lower:
        return False
    if case.route.kind == "edge" and case.access is Access.PUBLIC and not _opens_account(case):
        return False
    if not (lower or _ACCOUNT_PATH.search(case.route.label) or _TAKES_IN.search(case.code)):
        return False
    rows_only = case.bound_by_rows and not _METADATA.search(case.own)
    return not (ADMIN_PATH.search(case.route.path) or rows_only)


_OPENS_ACCOUNT = re.compile(r"\.auth\.signUp\(|/auth/v1/signup\b|\.auth\.admin\.createUser\(")


def _opens_account(case: Case) -> bool:
    """Whether it is what people sign up by; who they are is nobody's to ask yet."""
    return case.service and _OPENS_ACCOUNT.search(case.own) is not None


_TAKES_IN = re.compile(
    r"from\(\s*['\"`]\w*(?:members?(?:hips?)?|user_?roles|staff|team)['\"`]\s*\)\s*"
    r"\.(?:insert|upsert)\("
)
"""What makes somebody a member, whatever the way there is called."""


_BY_STAFF = "{} stores the role that the request asks for: who is no administrator makes one"


def _role_given(piece: Piece, spans: list[tuple[int, int]], sent: set[str]) -> int:
    for start, end in spans:
        code = piece.module.code[start:end]
        for match in re.finditer(
            r"(?<![\w$.'\"])([A-Za-z_]\w*)\s*(?::\s*([^,{}\n]+))?(?=[,}\]\n]|\|\||\?\?|$)", code
        ):
            if not _ROLE_WORD.match(match[1]):
                continue
            value = match[2] or match[1]
            value = _added(piece, value.strip())
            if re.fullmatch(r"\w*[rR]ole\w*\??\._?id!?", value.strip()):
                continue  # of a record of the server's own
            if not re.search(r"(?i)role|admin|type|super|account", value):
                continue  # what somebody does for a living is called so, too
            if mentions(value, sent) or re.search(r"\breq\.body\.\w+", value):
                at = start + match.start()
                return -1 if _of_one_kind(piece, at) else at
    return -1


def _added(piece: Piece, value: str) -> str:
    """`newRoles`, where `newRoles = [...roles, role]`: what is added to those one has."""
    made = re.search(
        rf"\bconst {re.escape(value)}\b[^=\n]*=\s*\[\s*\.\.\.[\w.]+,\s*(\w+)\s*\]", piece.code
    )
    return made[1] if made else value


_BRANCH = re.compile(r"\brole\s*===?\s*['\"](\w+)['\"]\s*\)\s*\{")


def _of_one_kind(piece: Piece, at: int) -> bool:
    """Within `if (role === "patient") {`, where it is nothing else."""
    code = piece.module.code
    branches = list(_BRANCH.finditer(code, piece.start, at))
    if not branches or re.search(r"(?i)admin|super|owner|staff", branches[-1][1]):
        return False
    inside = code[branches[-1].end() : at]
    depth = 1
    for sign in inside:
        depth += (sign == "{") - (sign == "}")
        if not depth:
            return False
    return True


_KIND_OF_ADMIN = re.compile(
    r"(?:user|account)_?type\w*\W{1,6}(?:===?|!==?|:)\s*['\"]\w*(?:admin|super|staff)",
    re.IGNORECASE,
)
"""Where no kind of account is the administrators', which one is chosen gives no power."""


_BUT_ADMIN = re.compile(
    r"\brole\w*\s*===?\s*(?:\w+\.)?['\"]?\w*admin\w*['\"]?\s*\)[^;]{0,160}?\b(?:return|throw|403)\b",
    re.IGNORECASE,
)
"""Whoever asks for the administrators' role is turned away."""


def _schemas(case: Case, piece: Piece) -> str:
    """What the shapes say that the body is parsed with, of a role; they may be made by a tool."""
    told: list[str] = []
    before = " ".join(one.code for one in case.route.guards)
    parsed = set(
        re.findall(r"\b([A-Z]\w*|\w+Schema)\.(?:safeParse|parse)\w*\(", piece.code + case.own)
    )
    for name in parsed | set(re.findall(r"\b(\w+Schema)\b", before)):
        made = re.compile(rf"\bconst {name}\s*=\s*\w+\.object\((?s:.{{0,1500}})")
        for path in (piece.module.path, *case.program.tree.files):
            shape = made.search(case.program.text(path) or "") if path.endswith(CODE) else None
            if shape:
                told += re.findall(r"\brole\w*\??\s*:\s*\w+\.enum\([^)]*\)", shape[0])
                break
    return " ".join(told)


_VALIDATED = re.compile(r"\b(?:body|check)\(\s*['\"]\w*role['\"][^;]{0,160}?(isIn\(\s*\[[^\]]*\])")


_TYPED = re.compile(r"@Body\(\s*\)\s*\w+\s*:\s*([A-Z]\w*)")
_ROLE_OF_A_CLASS = re.compile(
    r"(?:@IsIn\(\s*\[(?P<listed>[^\]]*)\][^;]*?|@IsEnum\(\s*(?P<enum>\w+)[^;]*?)?\brole\w*[?!]?\s*:\s*(?P<type>[^;=\n]+)"
)


def _meant(case: Case, guarding: Guarding) -> str:
    """What a list of validators holds that stands before the handler by its name."""
    name = guarding.code.strip()
    there = case.program.find(guarding.module, name) if re.fullmatch(r"\w+", name) else None
    value = there and there[0].outer_values.get(there[1])
    return there[0].slice(value) if there and value else guarding.code


def _validators(case: Case) -> str:
    """`body("role").isIn([...])` of what stands before the handler, and the class of a body."""
    told = [found for one in case.route.guards for found in _VALIDATED.findall(_meant(case, one))]
    first = case.pieces[0]
    for text in first.function.parameters if first.function else ():
        typed = _TYPED.match(text)
        there = case.program.find(first.module, typed[1]) if typed else None
        span = there and next((one for one in there[0].classes if one[0] == there[1]), None)
        role = there and span and _ROLE_OF_A_CLASS.search(there[0].code, span[1], span[2])
        if role:
            made = re.search(
                rf"\benum\s+{role['enum']}\s*\{{([^}}]*)\}}", there[0].code if there else ""
            )
            told.append(f"isIn([{role['listed'] or (made and made[1]) or role['type']}])")
    return " ".join(told)


_OTHER_SIDE = re.compile(
    r"['\"](?:renter|tenant|guest|customer|client|buyer|driver|player|seeker|walker|sitter|travell?er)['\"]",
    re.IGNORECASE,
)


def _of_two_sides(told: str) -> str:
    """`["renter", "owner"]`: who lets out a flat rules over nobody."""
    return re.sub(r"(?i)['\"]owner['\"]", "", told) if _OTHER_SIDE.search(told) else told


_IN_A_LIST = re.compile(r"\b(\w+)\.includes\(\s*(?:role|userRole|user_type|userType)\b")


def _named_list(piece: Piece) -> str:
    """What is in the list that a role is looked up in."""
    name = _IN_A_LIST.search(piece.code)
    made = name and re.search(rf"\b{name[1]}\b[^=;\n]*=\s*\[([^\]]*)\]", piece.module.code)
    return made[1] if made else ""


def _comes_in(piece: Piece) -> Iterator[Place]:
    """Where the request's role gets its name."""
    for one in piece.module.bindings_in(piece.start, piece.end):
        if _ROLE_WORD.match(one.names.strip()):
            yield place(piece.module, one.start)


def _role_finding(case: Case, piece: Piece, at: int) -> Finding:
    listed = re.search(
        r"\[([^\]]*)\]\.includes\(\s*(?:role|userRole|user_type|userType)\b|(?:enum|isIn)\(\s*\[([^\]]*)\]",
        f"{piece.code}{case.own}{_schemas(case, piece)}{_validators(case)}",
    )
    only = re.findall(r"\brole\s*!==?\s*['\"](\w+)['\"]\s*(?:&&|\))", piece.code)
    told = (listed[1] or listed[2] or "") if listed else " ".join(only) or _named_list(piece)
    harmless = bool(told) and not re.search(r"(?i)admin|super|owner|staff", _of_two_sides(told))
    harmless = harmless or _BUT_ADMIN.search(piece.code) is not None
    kind = re.match(r"(?i)(?:user|account)_?type", piece.module.code[at : at + 20])
    harmless = harmless or bool(kind and not _KIND_OF_ADMIN.search(piece.module.code))
    body = case.first(BODY, own=True)
    message = (
        f"{case.route.label} stores the role that the request asks for: a newcomer "
        f"appoints themselves"
    )
    return finding(
        "authz.self-assigned-role",
        place(piece.module, at, case.route.label),
        message,
        MEDIUM if harmless else HIGH if case.access is Access.ROLE else CRITICAL,
        [*([at_spot(body)] if body else []), at_route(case), *_comes_in(piece)],
    )
