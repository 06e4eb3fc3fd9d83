"""What a handler's names hold: something the client sent, the caller's identity, a secret."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .program import Piece, Program
from .signs import ASKS_CALLER, ENV, SECRET_ENV, SET_BEFORE
from .source import WORD, Binding, Function, Module

_RECEIVER = (
    r"(?:req|request|_req|_request|c\.req|ctx\.req|ctx\.request|event\.request|event|httpReq|r)"
)
SENT = re.compile(
    rf"\b{_RECEIVER}\.(?:json|formData|text|parseBody|valid|body|query|params|param"
    rf"|arrayBuffer|rawBody)\b"
    r"|\bctx\.(?:params|query|body)\b|\bsearchParams\b|\bawait\s+(?:props\.|context\."
    r"|ctx\.)?params\b"
    r"|\breq\.cookies\b|\brequest\.cookies\b|\bevent\.(?:body|queryStringParameters)\b"
    r"|\brequest\.data\b|\breadJson\b|\breadBody\(|\bgetRouterParam|\bgetQuery\(|\bparams\.\w+"
    r"|\bpathname\.split\("
)
HEADER = re.compile(
    rf"\b{_RECEIVER}\.headers?\b|\bheaders\(\)|\bheaders\.get\(|\bgetHeader\("
    rf"|\bsearchParams\b|\b{_RECEIVER}\.(?:get|query)\b"
)
PAGED = re.compile(
    r"\.(?:limit|skip|offset|range|order|orderBy|take)\([^()]*(?:\([^()]*\)[^()]*)*\)"
)
"""How many of the rows are wanted, and in which order, names none of them."""
_NAME = re.compile(r"[A-Za-z_$][\w$]*(?![\w$]|\s*:)")
_DEFAULT = re.compile(r"=\s*(?:'[^']*'|\"[^\"]*\"|`[^`]*`)")
_TYPED = re.compile(r"\s*([A-Za-z_$][\w$]*)\s*\??\s*:(?!:)")
_AWAITED = re.compile(r"\s*\(?\s*await\s+([\w$.]+)\(")
_PREPARED = re.compile(r"\s*\(?\s*[\w$.]+\.prepare\(")
"""`db.prepare(...).get(id)`: what a driver that waits for nothing looked up."""
_PARSES = re.compile(
    r"\b(?:JSON\.parse|parse|safeParse|parseAsync|safeParseAsync|validate|validateAsync)\("
)
_NEST_SENT = re.compile(r"^@(?:Body|Param|Query|UploadedFile)\(")
_NEST_CALLER = re.compile(r"^@(?!Body|Param|Query|Upload|Res|Headers|Ip|Host)\w+\(")


@dataclass
class Names:
    sent: set[str] = field(default_factory=set)
    caller: set[str] = field(default_factory=set)
    secret: set[str] = field(default_factory=set)
    header: set[str] = field(default_factory=set)
    members: set[str] = field(default_factory=set)
    """`item.userId`, where what was handed in is `{ userId: me, quantity: body.quantity }`."""
    known: re.Pattern[str] | None = None
    """What of the request a middleware has written: who calls."""

    def has_sent(self, code: str) -> bool:
        if self.known:
            code = self.known.sub("''", code)
        return SENT.search(code) is not None or mentions(code, self.sent)

    def has_caller(self, code: str) -> bool:
        found = ASKS_CALLER.search(code) or SET_BEFORE.search(code)
        if self.known and self.known.search(code):
            return True
        if found is not None or mentions(code, self.caller):
            return True
        return any(re.search(rf"(?<![\w$.]){re.escape(one)}\b", code) for one in self.members)

    def has_secret(self, code: str) -> bool:
        return secret_env(code) or mentions(code, self.secret)

    def has_header(self, code: str) -> bool:
        return HEADER.search(code) is not None or mentions(code, self.header)


class Flow:
    """The names of each piece that a request runs through."""

    def __init__(
        self,
        program: Program,
        pieces: Iterable[Piece],
        all_sent: bool = False,
        bare: bool = False,
        known: frozenset[str] = frozenset(),
    ) -> None:
        self._program = program
        self._known = known
        self._written = _fields(known)
        self._bare = bare
        """What stands in the context says nothing of the caller by itself: the store is in it."""
        self._names: dict[tuple[str, int], Names] = {}
        for piece in pieces:
            self._names[piece.module.path, piece.start] = self._follow(piece, all_sent)

    def of(self, piece: Piece) -> Names:
        return self._names[piece.module.path, piece.start]

    def _follow(self, piece: Piece, all_sent: bool) -> Names:
        module = piece.module
        names = Names(secret=module_secrets(module), known=self._written)
        self._parameters(piece, names, all_sent)
        if self._bare:
            names.caller -= {"ctx"}
            names.sent -= {"ctx", "opts", "next", "signal"}
        bindings = module.bindings_in(piece.start, piece.end)
        for _ in range(2):
            for binding in bindings:
                self._bind(module, binding, names)
        names.caller -= {
            one for one in names.caller & names.sent if _only_where_absent(piece.code, one)
        }
        return names

    def _parameters(self, piece: Piece, names: Names, all_sent: bool) -> None:
        parameters = piece.function.parameters if piece.function else ()
        giver = (
            self._names.get((piece.giver.module.path, piece.giver.start)) if piece.giver else None
        )
        for index, text in enumerate(parameters):
            found = _parameter(text)
            if _NEST_SENT.match(text):
                names.sent |= {re.split(r"[:?=]", text.rpartition(")")[2])[0].strip()}
            elif _NEST_CALLER.match(text):
                names.caller |= {re.split(r"[:?=]", text.rpartition(")")[2])[0].strip()}
            elif giver is not None and piece.giver and index < len(piece.given):
                _inherit(piece.giver.module.slice(piece.given[index]), giver, names, _words(text))
            elif piece.depth == 0 and _is_wrapped(piece) and (known := _known(text, all_sent)):
                names.caller |= known
                names.sent |= found - known if all_sent else {"params"} & found
            elif piece.depth == 0 and (
                all_sent
                or (index == 1 and "params" in text)
                or (index == 0 and _called_with_data(parameters))
            ):
                names.sent |= found

    def _bind(self, module: Module, binding: Binding, names: Names) -> None:
        value = module.slice(binding)
        if len(value) > 4_000 or binding.start in module.starting:
            return
        named = _DEFAULT.sub("", binding.names).replace("...", "")
        found = set(_NAME.findall(named)) if "." not in named else set()
        if self._known and (own := _taken_out(named, value, self._known)):
            names.caller |= own
            found -= own
        of_caller = names.has_caller(_SET_TO.sub("", value)) or self._identifies(module, value)
        if of_caller and not _MAKES_A_ROW.match(value) and not _client_first(value, names):
            names.caller |= found
        elif not _is_new_row(module, binding) and self._is_sent(module, value, names):
            names.sent |= found
        waits = "await " in value or _PREPARED.match(value) is not None
        bare = _SPELLED.sub("''", value)
        if secret_env(value) or (mentions(bare, names.secret) and not waits and len(value) < 200):
            names.secret |= found
        if HEADER.search(value) or (mentions(bare, names.header) and not waits):
            names.header |= found

    def _is_sent(self, module: Module, value: str, names: Names) -> bool:
        if self._reads_request(module, value):
            return True
        prepared = _PREPARED.match(value) is not None
        fetched = _AWAITED.match(value)
        looked_up = prepared or (
            fetched is not None and not SENT.search(fetched[1] + ".") and not _PARSES.search(value)
        )
        chosen = PAGED.sub("", _CONDITION.sub("", value))
        given = SENT.search(chosen) is not None and not looked_up
        named = mentions(chosen, names.sent) and (
            not ("await " in value or prepared) or _PARSES.search(value) is not None
        )
        return (given or named) and not _of_a_list(value, names)

    def _reads_request(self, module: Module, value: str) -> bool:
        """`await parseBody(req, schema)`: a helper of the tree's own reads what was sent."""
        call = _HANDED_THE_REQUEST.match(value)
        if call is None:
            return False
        found = self._program.function(module, call[1])
        text = found[0].slice(found[1]) if found else ""
        return bool(SENT.search(text) if found else _READS_BODY.search(call[1]))

    def _identifies(self, module: Module, value: str) -> bool:
        call = re.match(r"\s*(?:await\s+)?([\w$.]+)\(", value)
        found = self._program.function(module, call[1]) if call else None
        if found is None or believes_request(found[0].slice(found[1])):
            return False
        return identifies(self._program, *found)


def _fields(known: frozenset[str]) -> re.Pattern[str] | None:
    """`req.clerkId`, `req.body?.clerkId`, where these are known."""
    if not known:
        return None
    fields = "|".join(re.escape(one).replace(r"\.", r"\??\.") for one in sorted(known))
    return re.compile(rf"(?<![\w$.])(?:req|request)\??\.(?:{fields})\b(?!\s*=[^=>])")


_WHOLE = re.compile(
    r"\s*(?:req|request)\??\.(body|query|params)\b(?:\s*(?:\|\||\?\?)\s*\{\s*\})?[^.\w]*"
)
_ITEM = re.compile(r"[{,]\s*(\w+)\s*(?::\s*([\w$]+))?(?=\s*[,}=])")


def _taken_out(names: str, value: str, known: frozenset[str]) -> set[str]:
    """The `clerkId` of `const { clerkId, price } = req.body`, where that is the caller's."""
    whole = _WHOLE.fullmatch(value)
    if whole is None:
        return set()
    return {one[2] or one[1] for one in _ITEM.finditer(names) if f"{whole[1]}.{one[1]}" in known}


_MAKES_A_ROW = re.compile(r"\s*\(?\s*await\s+[\w$.()'\"]{1,80}\.(?:create|insertOne|insert)\(")
"""A row that is the caller's says nothing of what else was asked for."""
_SET_TO = re.compile(r"(?<=\))\s*\.set\(\s*\{[^{}]*\}\s*\)")
"""`update(deposits).set({ reviewedBy: me })`: who wrote a row last has not become its owner."""
_NEW_ROW = re.compile(r"\b(?:const|let|var)\s+\w+\s*(?::[^=]*)?=\s*new\s+[A-Z]\w*\(\s*\{")
_HANDED_THE_REQUEST = re.compile(
    r"\s*(?:await\s+)?([\w$.]+)(?:<[^()]*>)?\(\s*(?:req|request|_req|event)\s*[,)]"
)
_READS_BODY = re.compile(
    r"(?:parse|read|validate|get)\w*(?:Body|JSON|Json|Input|Payload)$", re.IGNORECASE
)
_FIRST_OF_TWO = re.compile(r"\s*([\w$.?!\[\]'\"]+)\s*(?:\|\||\?\?)\s*[^?:]+$")
_SPREAD = re.compile(r"\{[^{}]*\.\.\.\s*([\w$.]+)")


def _is_new_row(module: Module, binding: Binding) -> bool:
    """Its id is the store's: not where it stands in for one that was looked up before."""
    declared = max(0, module.code.rfind("\n", 0, binding.at))
    return _NEW_ROW.match(module.code[declared : binding.end].strip()) is not None


def _client_first(value: str, names: Names) -> bool:
    """`body.userId || session.user.id`, or `{ ...body, userId: session.user.id }`: what the
    request says wins, or all of it is in there as well.
    """
    first, spread = _FIRST_OF_TWO.match(value), _SPREAD.match(value.lstrip())
    wins = next((one[1] for one in (first, spread) if one), "")
    return bool(wins) and names.has_sent(wins) and not names.has_caller(wins)


_KNOWN = {
    "user", "session", "currentUser", "userId", "user_id", "auth", "authUser", "dbUser", "account",
    "profile", "orgId", "organizationId", "tenantId", "workspaceId", "companyId",
}  # fmt: skip
"""What a wrapper hands to a handler beside the request, for it has asked."""


_TAKEN_OUT = re.compile(r"\b(?:params|body|query)\s*:\s*\{[^{}]*\}")
_CONTEXT = re.compile(r"\bctx\s*:\s*\{([^{}]*)\}")


def _known(text: str, all_sent: bool) -> set[str]:
    """What of a parameter a wrapper fills, for it has asked: none of an action's input."""
    if all_sent:
        inner = _CONTEXT.search(text)
        return set(WORD.findall(inner[1])) if inner else {"ctx"} & set(WORD.findall(text))
    return _parameter(_TAKEN_OUT.sub("", text)) & _KNOWN


def _only_where_absent(code: str, name: str) -> bool:
    """`if (!id) { id = ... }`: what the request says wins."""
    name = re.escape(name)
    return (
        re.search(rf"\bif\s*\(\s*!\s*{name}\s*\)\s*\{{?(?s:.{{0,400}}?)\b{name}\s*=(?!=)", code)
        is not None
    )


def _is_wrapped(piece: Piece) -> bool:
    return piece.function is not None and piece.function.start != piece.start


def _called_with_data(parameters: Sequence[str]) -> bool:
    """`(data, context)` of a callable Cloud Function."""
    return len(parameters) == 2 and all(
        re.match(rf"{name}\b", text)
        for name, text in zip(("data", "context"), parameters, strict=True)
    )


_RETURNED = re.compile(r"\breturn\s+([^;{}\n]*(?:\|\||\?\?)[^;{}\n]*)")


def believes_request(code: str) -> bool:
    """`return req.query.companyId || req.companyId`: a helper that asks the request first, and
    who calls only where it is silent.
    """
    for found in _RETURNED.finditer(code):
        first, *others = re.split(r"\|\||\?\?", found[1])
        known = any(ASKS_CALLER.search(one) or SET_BEFORE.search(one) for one in others)
        if known and SENT.search(first) and not ASKS_CALLER.search(first):
            return True
    return False


def identifies(program: Program, module: Module, function: Function, depth: int = 0) -> bool:
    """Whether a function finds out who is calling, by itself or by what it calls."""
    code = module.slice(function)
    if ASKS_CALLER.search(code):
        return True
    if depth >= 2:
        return False
    for call in module.calls_in(function.start, function.end):
        found = program.function(module, call.callee)
        if found and found[1] is not function and identifies(program, *found, depth + 1):
            return True
    return False


_PICKED = re.compile(
    r"\s*([\w$.]+)\[[^\]]+\][?!]?\s*(?:(?:\|\||\?\?|as\b)[^;]*)?|\s*([A-Z][A-Z0-9_]+)\.find\(.*",
    re.DOTALL,
)
_CONDITION = re.compile(r"^\s*[\w$.]+\s*[!=]==?\s*['\"]\w*['\"]\s*\?(?=[^.?])")
"""It says which of two is taken, and is neither of them."""


def _of_a_list(value: str, names: Names) -> bool:
    """`PRICES[plan]`: the request says which, the code says what that is."""
    found = _PICKED.fullmatch(value)
    return found is not None and not names.has_sent(found[1] or found[2])


_SPELLED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")
"""The words of a text of the code's own are no names."""


def _inherit(given: str, giver: Names, names: Names, found: set[str]) -> None:
    given = _SPELLED.sub("''", given)
    if len(found) > 1 and _PLAIN_OBJECT.fullmatch(given):
        parts = {one[1]: one[2] or one[1] for one in _PART.finditer(given)}
        for name in found & set(parts):
            _inherit(parts[name], giver, names, {name})
        return
    mixed = given.startswith("{") and len(found) == 1
    if mixed:
        (name,) = found
        names.members |= {
            f"{name}.{one[1]}"
            for one in _MEMBER.finditer(given)
            if giver.has_caller(one[2]) and not giver.has_sent(one[2])
        }
    if giver.has_caller(given) and not (mixed and giver.has_sent(given)):
        names.caller |= found
    elif giver.has_sent(given):
        names.sent |= found
    if giver.has_secret(given):
        names.secret |= found
    if giver.has_header(given):
        names.header |= found


_MEMBER = re.compile(r"[{,]\s*(\w+)\s*:\s*([\w$.?!]+)\s*(?=[,}])")
_PLAIN_OBJECT = re.compile(r"\{[^{}()=]*\}")
_PART = re.compile(r"[{,]\s*(\w+)\s*(?::\s*([^,{}]+))?(?=[,}])")


def _parameter(text: str) -> set[str]:
    """`id` of `id: string`, and all names of a pattern."""
    typed = _TYPED.match(text)
    if typed:
        return {typed[1]}
    return set(_NAME.findall(re.sub(r":\s*[A-Z][\w<>\[\], .|]*$", "", text))[:12])


def _words(parameter: str) -> set[str]:
    if parameter.startswith(("{", "[")):
        return set(_NAME.findall(parameter.partition("}")[0]))
    name = WORD.search(re.sub(r"^(?:\w+\s+)*?(?=[\w$]+\s*[?:=]?)", "", parameter))
    return {name[0]} if name else set()


def mentions(code: str, names: set[str]) -> bool:
    return any(match[0] in names for match in _USED.finditer(code)) if names else False


_USED = re.compile(r"(?:(?<![\w$.])|(?<=\.\.\.))[A-Za-z_$][\w$]*(?![\w$]|\s*:(?!:))")


def secret_env(code: str) -> bool:
    return any(
        SECRET_ENV.search(next(filter(None, match.groups()), "")) for match in ENV.finditer(code)
    )


def module_secrets(module: Module) -> set[str]:
    """Names outside of functions that hold a secret: of the environment, or one that should be."""
    return {
        name
        for name, binding in module.outer_values.items()
        if secret_env(value := module.slice(binding)[:300]) or _spelled_out(name, value)
    }


def _spelled_out(name: str, value: str) -> bool:
    return bool(_SECRET_NAME.search(name) and re.fullmatch(r"\s*(['\"])[^'\"\s]{8,}\1\s*", value))


_SECRET_NAME = re.compile(r"(?:SECRET|TOKEN|KEY|PASSWORD|PASSPHRASE)$", re.IGNORECASE)
