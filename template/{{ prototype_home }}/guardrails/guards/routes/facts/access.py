"""Whom a route asks who is calling, and what it then does: the facts that the rules judge."""

import re
from dataclasses import dataclass
from functools import cached_property

from ...everybody import EVERYBODY
from .clients import taken
from .deeds import done
from .flow import Flow, Names, mentions
from .identified import identified
from .middleware import Access, judge
from .onlybranches import only_branches
from .program import Piece, Program
from .proofs import by_code, by_helper, by_token, turned_away, verifies
from .signs import (
    ASKS_CALLER,
    CALLER_HEADER,
    DELETES,
    HASHED,
    LLM,
    LOGIN_PATH,
    MAIL,
    MESSAGE,
    OWN_CHECK,
    READS,
    REJECTS,
    ROLE_TEST,
    SERVICE,
    SIGNATURE_HEADER,
    SIGNED,
    TESTED,
    TURNED_AWAY,
    WRITES,
)
from .source import Module
from .table import Route

_COMPARED = re.compile(r"([^;{}&|?\n]{1,120}?)(?<![=!<>])(?:===?|!==?)(?!=)\s*([^;{}&|\n]{1,120})")
_EQUALS = re.compile(r"equal|compare|verify|valid|check|is[A-Z]|auth|require|assert", re.IGNORECASE)
_WITHIN_TEXT = re.compile(r"([\w$.?]{1,80})\s*[!=]==?\s*`[^`$\n]{0,20}\$\{([\w$.!?]{1,80})\}`")
"""``header === `Bearer ${key}` ``"""
_CLIENT = re.compile(
    r"\bcreate(?:Server|Browser|RouteHandler|Admin|Service\w*)?Client\w*\s*(?:<[^()]*>)?\("
)
_HEADERS_OF_A_CLIENT = 600
"""So far behind its beginning a client's own headers stand; further on they are a letter's."""
_SUPABASE = re.compile(r"supabase(?!_?(?:u?id|user_?id)\b)", re.IGNORECASE)
"""A column that keeps somebody's id there is no client."""
_OTHER_DATA = re.compile(
    r"prisma|drizzle|mongoose|mongodb|knex|sequelize|typeorm|\bpg\b|mysql|sqlite"
    r"|@vercel/postgres|@neondatabase"
    r"|@planetscale|firebase-admin|\bsql`|@vercel/blob|\.sqlite|MongoClient|dynamodb|redis"
    r"|\bstorage\."
)


_TURNS_AWAY = re.compile(
    r"\b403\b|[fF]orbidden|FORBIDDEN|\bthrow\b|\breturn\s+(?:null|false|!|\{\s*(?:error|ok\s*:\s*false))"
    r"|\bredirect\(|[dD]enied|[uU]nauthori[sz]ed|\breturn\s+\w[\w.?]*\s*[!=]=="
)
_HANDED_BACK = re.compile(
    r"\w+\s*(?:,\s*\n|\n?\s*\}|:(?!\s*(?:true\b|['\"]))|=(?!=))", re.IGNORECASE
)
"""`return { id, isAdmin: row.is_admin }`: which kind of user it is is told, and refused nothing."""
_COMPARES_PASSWORD = re.compile(
    r"\b(?:bcrypt\w*|argon2|scrypt)\.(?:compare|verify)\w*\(|\bcompare\w*\(\s*\w*[pP]ass"
)
_LOOKS_UP = re.compile(r"(?:get|fetch|load|find)\w*(?:User|Session|Profile|Account|Auth)$")
_REFUSES_ROLE = re.compile(r"\b403\b|[fF]orbidden|FORBIDDEN|[dD]enied|[iI]nsufficient")
_ASKS_ROLE = re.compile(
    r"(?i:\b\w*(?:is|has|require|check|ensure|assert|verify|only|authori[sz]e|can|with)_?(?:\w+_?)?"
    r"(?:admin|role|permission|staff|owner|access)\w*)|\b(?:role|roles|user_?[rR]ole)\b"
)


@dataclass(frozen=True)
class Spot:
    """A piece of a route and an offset in its file."""

    piece: Piece
    at: int

    @property
    def line(self) -> int:
        return self.piece.module.line(self.at)


class Case:
    """A route with everything it runs through."""

    def __init__(self, program: Program, route: Route) -> None:
        self.program = program
        self.route = route
        self.pieces = program.reach(route.start)
        told = route.kind in {"action", "procedure"}
        known = identified(program, route.guards)
        self.flow = Flow(program, self.pieces, told, route.kind == "procedure", known)
        self.gate = ""
        """What a middleware file of the framework asks before the route, if anything."""

    @cached_property
    def code(self) -> str:
        return "\n".join(piece.code for piece in self.pieces)

    @cached_property
    def own(self) -> str:
        return "\n".join(piece.code for piece in self.pieces if piece.depth == 0)

    def first(self, sign: "re.Pattern[str]", own: bool = False) -> Spot | None:
        for piece in self.pieces:
            if own and piece.depth:
                break
            if match := sign.search(piece.code):
                return Spot(piece, piece.start + match.start())
        return None

    @cached_property
    def access(self) -> Access:
        return self._access[0]

    @property
    def why(self) -> str:
        return self._access[1]

    @cached_property
    def _access(self) -> tuple[Access, str]:
        inside, why = self._inside()
        if inside in {Access.ROLE, Access.SIGNATURE}:
            return inside, why
        found = [judged for one in self.route.guards if (judged := judge(self.program, one))]
        for wanted in (Access.ROLE, Access.CALLER, Access.SECRET, Access.UNKNOWN):
            for access, name in found:
                if access is wanted:
                    return (inside, why) if access is Access.UNKNOWN and why else (access, name)
        role = "which asks for" in self.gate  # what only administrators have
        if inside is not Access.PUBLIC and not role:
            return inside, why
        if self.gate:
            return Access.ROLE if role else Access.CALLER, self.gate
        return (
            (Access.PUBLIC, "nothing asks") if self.route.known else (Access.UNKNOWN, "not mounted")
        )

    def _inside(self) -> tuple[Access, str]:
        if self.signature is not None:
            return Access.SIGNATURE, f"a signature, line {self.signature.line}"
        if self.secret is not None:
            return Access.SECRET, f"a shared secret, line {self.secret.line}"
        asked = self.asked
        if asked is not None:
            if self.role is not None:
                return Access.ROLE, f"a role, line {self.role.line}"
            return Access.CALLER, f"the caller, line {asked.line}"
        return Access.PUBLIC, ""

    @cached_property
    def asked(self) -> Spot | None:
        """Where the handler finds out who calls, and refuses who is nobody."""
        signs_in = self.route.method == "POST" and LOGIN_PATH.search(self.route.path)
        if signs_in and _COMPARES_PASSWORD.search(self.code):
            return None  # whoever wants to sign in is nobody yet
        if not REJECTS.search(self.code) and not TURNED_AWAY.search(self.code):
            return None
        found = self.first(ASKS_CALLER)
        at = turned_away(self.program, self.pieces[0]) if found is None and self.pieces else None
        if at is not None:
            return Spot(self.pieces[0], at)
        by_middleware = found is not None and self.route.kind == "server"
        if by_middleware and not OWN_CHECK.search(self.code) and not TESTED.search(self.code):
            return None
        return found

    @cached_property
    def signature(self) -> Spot | None:
        """A signature over the request: hashing something else is no check of the sender."""
        for piece in self.pieces:
            for match in SIGNED.finditer(piece.code):
                if verifies(self.program, piece.module, match[0]):
                    return Spot(piece, piece.start + match.start())
        return self.first(HASHED) if SIGNATURE_HEADER.search(self.code) else None

    @cached_property
    def role(self) -> Spot | None:
        if self.asked is None:
            return None
        for piece in self.pieces:
            names = self.flow.of(piece)
            for match in ROLE_TEST.finditer(piece.code):
                before = piece.code[max(0, match.start() - 40) : match.start()].rpartition("\n")[2]
                after = piece.code[match.start() : match.end() + 30].partition("\n")[0]
                line = before + after
                said = mentions(
                    line, names.sent & {"role", "roles", "isAdmin", "is_admin", "userRole"}
                )
                said = said or _tells_of_request(piece, names, match)
                if not said and not _of_others(piece, names, match) and self._decides(piece, match):
                    return Spot(piece, piece.start + match.start())
        return None

    def _decides(self, piece: Piece, match: "re.Match[str]") -> bool:
        """Whether somebody is refused for it: a helper may only look up which roles there are."""
        if EVERYBODY.match(piece.code, match.end()):
            return False
        name = re.match(r"\w+", match[0])
        if name and re.search(rf"\b(?:const|let)\s+{name[0]}\s*=\s*['\"]", piece.code):
            return False
        if _takes_out(piece, match) or _or_their_own(piece, self.flow.of(piece), match):
            return False
        if piece.depth and (_only_tells(piece, match) or only_branches(piece, match)):
            return False
        after = piece.code[match.start() : match.start() + 400]
        return not piece.depth or bool(_TURNS_AWAY.search(after) or _ASKS_ROLE.search(self.own))

    @cached_property
    def secret(self) -> Spot | None:
        """Where something of the request is compared with a secret of the environment."""
        for piece in self.pieces:
            names = self.flow.of(piece)
            for match in _COMPARED.finditer(piece.code):
                if _secret_test(names, match[1], match[2]) or _secret_test(
                    names, match[2], match[1]
                ):
                    return Spot(piece, piece.start + match.start())
            for match in _WITHIN_TEXT.finditer(piece.code):
                if _secret_test(names, match[1], match[2]):
                    return Spot(piece, piece.start + match.start())
            for call in piece.module.calls_in(piece.start, piece.end):
                if self._compares(piece, names, call.start, call.callee_end, call.end):
                    return Spot(piece, call.start)
        return None

    def _compares(self, piece: Piece, names: Names, at: int, middle: int, end: int) -> bool:
        code = piece.module.code[middle:end]
        if end - middle > 300 or not names.has_secret(code) or not names.has_header(code):
            return False
        name = piece.module.code[at:middle]  # `jwt.verify(token, secret)` says who calls
        return _EQUALS.search(name) is not None and not ASKS_CALLER.search(f"{name}(")

    @cached_property
    def service(self) -> bool:
        """Whether it acts with the key that passes row-level security by."""
        return (
            any(SERVICE.search(taken(piece, self.pieces)) for piece in self.pieces)
            or any(SERVICE.search(piece.module.code) for piece in self.pieces if piece.depth == 0)
            or any(SERVICE.search(value) for piece in self.pieces for value in self._outer(piece))
        )

    def _outer(self, piece: Piece) -> list[str]:
        """Clients that are made outside of the function, and used in it."""
        used = {match[0] for match in re.finditer(r"(?<![\w$.])[A-Za-z_$][\w$]*", piece.code)}
        found: list[str] = []
        for name in used:
            there = self.program.find(piece.module, name)
            binding = there and there[0].outer_values.get(there[1])
            if there and binding and _CLIENT.search(there[0].slice(binding)):
                found.append(
                    there[0].slice(binding) + " " + _keys(there[0], binding.start, binding.end)
                )
        return found

    @cached_property
    def bound_by_rows(self) -> bool:
        """Whether only row-level security decides: Supabase with the caller's or the public key."""
        if not self.program.rows_know_callers:
            return False
        code = self.code
        imports = "".join(
            entry.source for piece in self.pieces for entry in piece.module.imports.values()
        )
        supabase = _SUPABASE.search(code) or _SUPABASE.search(imports)
        return bool(supabase) and not self.service and not _OTHER_DATA.search(code)

    @cached_property
    def scoped(self) -> bool:
        """Whether a client of the caller's own is made (the Authorization header handed on)."""
        return "ANON" in self.code and any(
            CALLER_HEADER.search(piece.code, made.end(), made.end() + _HEADERS_OF_A_CLIENT)
            for piece in self.pieces
            for made in _CLIENT.finditer(piece.code)
        )

    def effects(self) -> list[tuple[str, Spot]]:
        """What it does, worst first: (deletes, writes, reads, mail, message, llm; where)."""
        found: list[tuple[str, Spot]] = []
        for name, sign in (("delete", DELETES), ("write", WRITES), ("read", READS)):
            if spot := self._data(sign):
                found.append((name, spot))
        for name, sign in (("mail", MAIL), ("message", MESSAGE), ("llm", LLM)):
            if spot := self.first(sign):
                found.append((name, spot))
        return found

    def _data(self, sign: "re.Pattern[str]") -> Spot | None:
        return next((Spot(*found) for found in done(self.program, self.pieces, sign)), None)

    @cached_property
    def sends(self) -> bool:
        return self.first(MAIL) is not None or self.first(MESSAGE) is not None

    @cached_property
    def token_in_hand(self) -> bool:
        """Whether the request proves itself by an unguessable token that is looked up."""
        return any(
            by_token(piece, self.flow.of(piece))
            or by_code(piece, self.flow.of(piece))
            or (piece.depth < 2 and by_helper(self.program, piece, self.flow.of(piece)))
            for piece in self.pieces
        )


def _tells_of_request(piece: Piece, names: Names, match: "re.Match[str]") -> bool:
    """`const canShip = Boolean(address && items)`: what was sent can do, not who sends it."""
    word = re.match(r"can\w+", match[0], re.IGNORECASE)
    return word is not None and any(
        one.names.strip() == word[0]
        and names.has_sent(value := piece.module.slice(one))
        and not names.has_caller(value)
        for one in piece.module.bindings_in(piece.start, piece.end)
    )


_ANOTHERS = re.compile(r"&&\s*(?P<test>[^&|]*?!==?[^&|]*)")


def _or_their_own(piece: Piece, names: Names, match: "re.Match[str]") -> bool:
    """`if (role !== "admin" && order.userId !== me) refuse`: whoever it belongs to passes, too."""
    at = piece.start + match.start()
    tests = (one.test for one in piece.module.conditions if one.test.start <= at < one.test.end)
    test = next(map(piece.module.slice, tests), "")
    if "||" in test or not re.search(r"!==?\s*['\"]\w*admin", test, re.IGNORECASE):
        return False
    others = (one["test"] for one in _ANOTHERS.finditer(test))
    return any("ole" not in one and names.has_caller(one) for one in others)


_DELETES = re.compile(r"\s*(?:if\s*\([^()]*\)|delete\s+[\w.]+)\s*")


def _takes_out(piece: Piece, match: "re.Match[str]") -> bool:
    """`if (req.user.role !== "driver") delete changes.licence`: nobody is refused."""
    at = piece.start + match.start()
    tests = (one for one in piece.module.conditions if one.test.start <= at < one.test.end)
    then = next((piece.module.slice(one.then) for one in tests), "")
    steps = [one for one in re.split(r"[;{}\n]", then) if one.strip()]
    return bool(steps) and "delete " in then and all(map(_DELETES.match, steps))


def _only_tells(piece: Piece, match: "re.Match[str]") -> bool:
    """Whoever asks for the user gets the role along, and may look at it or not."""
    if _HANDED_BACK.match(piece.code, match.start()):
        return True
    named = piece.function is not None and _LOOKS_UP.match(piece.function.name)
    return bool(named) and not _REFUSES_ROLE.search(piece.code)


def _of_others(piece: Piece, names: Names, match: "re.Match[str]") -> bool:
    """`.from("profiles").select().eq("role", "courier")`: everybody of a role is looked up."""
    if piece.depth or not match[0].startswith(".eq("):
        return False
    before = re.split(r";|\bawait\b", piece.code[: match.start()])[-1]
    after = re.split(r";|\n\s*\n|\bif\b", piece.code[match.start() :])[0]
    return not names.has_caller(before + after)


def _keys(module: Module, start: int, end: int) -> str:
    code = module.code[start:end]
    return " ".join(
        module.slice(binding)[:200]
        for name, binding in module.outer_values.items()
        if re.search(rf"(?<![\w$.]){re.escape(name)}\b", code)
    )


def _secret_test(names: Names, one: str, other: str) -> bool:
    if re.fullmatch(r"\s*!*['\"`\d]?(?:null|undefined|true|false|['\"`]\w*['\"`]?|\d+).*", other):
        return False
    return (
        names.has_secret(other)
        and not names.has_secret(one)
        and (names.has_header(one) or mentions(one, names.sent))
    )
