"""Why a route that asks nobody may be meant: a first start, a form, a card, a cookie, a job."""

import re

from .access import Case
from .flow import SENT
from .program import Piece
from .signs import OPTIONAL_PASSWORD, PERSONAL

_FIRST_PATH = re.compile(
    r"first|set-?up|bootstrap|\binit|install|seed|create-?(?:admin|owner)|admin/create|onboard",
    re.IGNORECASE,
)
_REFUSED_ON = re.compile(
    r"\bif\s*\(([^{};]{1,160}?)\)\s*\{?[^{}]{0,60}?(?:\{[^{}]{0,160}\})?[^{}]{0,120}?\b(?:return|throw)\b"
)
_SOMEBODY_THERE = re.compile(
    r"\w*(?:admin|user|owner|account|seed|row|setup|any)\w*", re.IGNORECASE
)
_ALREADY = re.compile(
    r"(?:has|any|existing|already|count|is|first|number|total)\w*|\w*(?:count|exists?|exist|done)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"(?<![\w$.])[A-Za-z_$][\w$]*")
_FORM = re.compile(r"captcha|turnstile|honey_?pot|\bconsent", re.IGNORECASE)
_COOKIE = re.compile(
    r"\bcookies?\w*(?:\(\))?\)?\??\.(?:get\(\s*['\"])?[\w.-]*(?:session|token|auth|sid|jwt)",
    re.IGNORECASE,
)
_TURNED_AWAY = re.compile(r"\b401\b|[uU]nauthori[sz]ed")
_PICKED = re.compile(r"\bselect\s*(?::|\()\s*\{([^{}]*)\}")
_COLUMNS = re.compile(r"\bSELECT\s+([^()`;]{1,300}?)\s+FROM\b")
_OF_GUESTS = re.compile(
    r"^(?!.*(?:admin|/pos/|manage|internal))"
    r".*(?:/(?:orders?|bookings?|reservations?|appointments?|enquir\w+|inquir\w+|messages?|reviews?"
    r"|conversations?|[\w-]*visits?|[\w-]*requests?|[\w-]*intakes?|suggest\w*)|/chat/\w+)/?$",
    re.IGNORECASE,
)
_HANDS_ON = re.compile(r"\w\(\s*(?:req|request|ctx|c|event)\s*[,)](?!\s*=>)")
_SIGNS_UP = re.compile(
    r"^\s*(?:register|sign_?up|create_?account)\w*\s*$", re.IGNORECASE | re.MULTILINE
)
_MORE_PERSONAL = re.compile(
    r"birth|national|passport|salary|password|hash|secret|token|iban|balance", re.IGNORECASE
)


def first_start(case: Case) -> bool:
    """It refuses as soon as there is somebody, whatever the request says."""
    if not _FIRST_PATH.search(case.route.label):
        return False
    return any(_refuses_if_any(case, piece) for piece in case.pieces)


def _refuses_if_any(case: Case, piece: Piece) -> bool:
    names = case.flow.of(piece)
    bindings = piece.module.bindings_in(piece.start, piece.end)
    for match in _REFUSED_ON.finditer(piece.code):
        test = match[1].strip()
        words = [one for one in _WORD.findall(test) if _SOMEBODY_THERE.fullmatch(one)]
        counted = [one for one in words if _ALREADY.match(one)]
        if not counted or test.startswith("!") or names.has_sent(test):
            continue
        values = [
            piece.module.slice(one)
            for one in bindings
            if set(_WORD.findall(one.names)) & set(counted)
        ]
        if values and not any(names.has_sent(value) for value in values):
            return True
    return False


_NOT_IN_PRODUCTION = re.compile(
    r"NODE_ENV\s*===?\s*['\"]production['\"]\s*\)\s*\{?\s*(?:return|throw)\b"
    r"|NODE_ENV\s*!==?\s*['\"](?:development|test)['\"]\s*\)\s*\{?\s*(?:return|throw)\b"
)


_AT_HOME = re.compile(
    r"NODE_ENV\s*(?:===?\s*['\"](?:development|test)['\"]|!==?\s*['\"]production['\"])"
)


def not_in_production(case: Case) -> bool:
    """It refuses there, or is registered at home only."""
    module, at = case.route.module, case.route.at
    return _NOT_IN_PRODUCTION.search(case.own) is not None or any(
        one.then.start <= at < one.then.end and _AT_HOME.search(module.slice(one.test))
        for one in module.conditions
    )


def public_form(case: Case) -> bool:
    """It takes what only a form for strangers asks for."""
    return _FORM.search(case.own) is not None


def by_cookie(case: Case) -> bool:
    """It turns away who has no session cookie; how that was made is not seen here."""
    return bool(_COOKIE.search(case.own) and _TURNED_AWAY.search(case.own))


_BELOW_A_PERSON = re.compile(
    r"/(?:users?|customers?|clients?|patients?|employees?|members?|students?|donors?|tenants?|guests?)"
    r"/:\w+/(?:\w+-)?(?:orders?|bookings?|payments?|invoices?|transactions?|appointments?|expenses?"
    r"|messages?|notifications?|prescriptions?|grades?|loans?|wallet|balance)(?:/|$)",
    re.IGNORECASE,
)
"""What somebody has bought or booked says of whom it is by its address."""


def card(case: Case) -> bool:
    """One record by its id, of which nothing is handed out that reaches a person."""
    if ":" not in case.route.path or re.search(r"SELECT\s+(?:\w+\.)?\*", case.own):
        return False
    if _BELOW_A_PERSON.search(case.route.path):
        return False
    picked = _PICKED.findall(case.own) + _COLUMNS.findall(case.own)
    return bool(picked) and not any(
        PERSONAL.search(one) or _MORE_PERSONAL.search(one) for one in picked
    )


_DIRECTORY = re.compile(
    r"/(?:users?|members?|people|profiles?)(?:/(?:search|list|directory))?/?$", re.IGNORECASE
)
_SHOWN_OF_ALL = re.compile(
    r"(?:_?id|uid|uuid|(?:user|display|full|nick)_?name|name|handle|slug|avatar\w*|image\w*|photo\w*|bio"
    r"|verified|is_?verified|created_?at)",
    re.IGNORECASE,
)
_TAKEN = re.compile(r"\b(?:is_?)?(?:available|taken|exists)\s*[:,}]", re.IGNORECASE)
_NAME_OF = re.compile(r"user-?name|handle|slug|availab|exists|check", re.IGNORECASE)


def directory(case: Case) -> bool:
    """Who is there: names and pictures, or whether a name is still free."""
    if _NAME_OF.search(case.route.path) and _TAKEN.search(case.own):
        return True
    picked = _PICKED.findall(case.own)
    columns = [re.split(r"[:,\s]", one.strip())[0] for row in picked for one in row.split(",")]
    return bool(_DIRECTORY.search(case.route.path) and picked) and all(
        _SHOWN_OF_ALL.fullmatch(one) for one in columns if one
    )


def proves_it(case: Case) -> bool:
    """Who calls must know the password of the account, in the same request."""
    return (
        case.route.method == "POST"
        and ":" not in case.route.path
        and OPTIONAL_PASSWORD.search(case.own) is not None
        and SENT.search(case.own) is not None
        and re.search(r"\b(?:400|401|403)\b|\bthrow\b", case.own) is not None
        and re.search(r"\.compare\w*\(|verify\w*\(|signInWithPassword", case.own) is not None
    )


_HASHES = re.compile(r"\b(?:bcrypt\w*|argon2)\.hash\w*\(|\bhashPassword\(")
_CHANGES = re.compile(r"\.(?:update\w*|delete\w*|findByIdAnd\w+|findOneAnd\w+)\(")


def signs_up(case: Case) -> bool:
    """`POST /users` handed to `registerUser`, or `POST /auth/user`: a new account, by the password
    that comes with it.
    """
    by_name = _SIGNS_UP.search(case.own) and re.search(r"\bpassword\b", case.own)
    by_address = (
        "/auth/" in case.route.path
        and _HASHES.search(case.code) is not None
        and not _CHANGES.search(case.code)
    )
    return (
        case.route.method == "POST"
        and ":" not in case.route.path
        and bool(by_name or by_address)
        and SENT.search(case.own) is not None
    )


def profile(case: Case) -> bool:
    """A person's public page: made up for the answer, not the whole row."""
    ends = re.search(r"/:\w+/(?:public-?)?profile$|/profiles?/:\w+$", case.route.path)
    return ends is not None and not re.search(r"json\(\s*\w+\s*\)|SELECT\s+\*", case.own)


_SPELLED_OUT = re.compile(r"\b(?:const|let)\s+(\w+)\s*=\s*\{([^{}]*)\}")
_READ_ROW = re.compile(r"\b(?:const|let)\s+(\w+)\s*=\s*await\b")
_JSON = re.compile(r"\bjson\(([^;]*?)\)\s*;?\s*$", re.MULTILINE)


def made_up(case: Case) -> bool:
    """The answer about one record is spelled out, with nothing in it that reaches a person."""
    if ":" not in case.route.path:
        return False
    answers = " ".join(_JSON.findall(case.own))
    rows = {
        row for row in _READ_ROW.findall(case.own) if re.search(rf"\b{row}\b(?!\s*\.)", answers)
    }
    shown = [
        keys for name, keys in _SPELLED_OUT.findall(case.own) if re.search(rf"\b{name}\b", answers)
    ]
    return (
        not rows
        and bool(shown)
        and not any(
            "..." in keys or PERSONAL.search(keys) or _MORE_PERSONAL.search(keys) for keys in shown
        )
    )


_ACTION_OF_GUESTS = re.compile(
    r"(?:create|place|submit|make|start|request|send)(?:Guest)?(?:Order|Purchase|Booking|Reservation"
    r"|Appointment|Enquiry|Inquiry|Request)$"
)
_WHO_BUYS = re.compile(r"(?:buyer|guest|customer|contact)_?(?:[nN]ame|[eE]mail|[pP]hone)\b")


def guests(case: Case) -> bool:
    """`POST /orders`: what somebody without an account may well send."""
    if case.route.kind == "action":
        named = _ACTION_OF_GUESTS.match(case.route.label.rpartition(".")[2].removesuffix("()"))
        return named is not None and _WHO_BUYS.search(case.own) is not None
    if case.route.method != "POST":
        return False
    if ":" in case.route.path:
        return (
            _ASKS_FOR_IT.search(case.route.path) is not None
            and _REACHED.search(case.own) is not None
        )
    return bool(_OF_GUESTS.search(case.route.path) or _WHO_SENDS.search(case.own))


_ASKS_FOR_IT = re.compile(r"/claim/?$")
_REACHED = re.compile(r"\b\w*(?:[eE]mail|[pP]hone)\b")
"""Who says that a place is theirs is answered by mail."""
_WHO_SENDS = re.compile(r"\b(?:creator|submitter|organi[sz]er|sender|reporter)_?[eE]mail\b")
"""Whoever has no account leaves an address by which the answer comes."""
_UPDATED = re.compile(r"\.update\(\s*\{([^{}]*)\}")
_CHANGED = re.compile(r"\.(?:update|upsert|insert|delete|deleteMany|updateMany)\(")
_LEFT_TO_STAFF = re.compile(
    r"[sS]tatus['\"]?\s*:\s*['\"](?:pending|submitted|awaiting|verifying|under_review|in_review|claimed"
    r"|reported)\w*['\"]"
)


def reports(case: Case) -> bool:
    """`I have paid` of a guest: their order, by an id nobody guesses, waits for who checks it."""
    updates = _UPDATED.findall(case.code)
    return (
        bool(updates)
        and len(updates) == len(_CHANGED.findall(case.code))
        and all(map(_LEFT_TO_STAFF.search, updates))
    )


_COUNTED_UP = re.compile(
    r"\.\w*(?:downloads?|views?|clicks?|shares?|plays?|hits?|visits?|impressions?)\w*"
    r"\s*(?:\+=\s*1\b(?!\.)|\+\+)"
)
_SET = re.compile(r"(?<![\w$])[a-z]\w*(?:\.\w+)+\s*(?:[-+*/]?=(?!=|>)|\+\+|--)")
_WRITTEN = re.compile(
    r"\.(?:create|insert|insertOne|insertMany|update\w*|delete\w*|remove|destroy|upsert|findByIdAnd\w+"
    r"|findOneAnd\w+|set|push)\("
)


def counts_up(case: Case) -> bool:
    """All that it changes is a number of downloads or views, by one."""
    found = _COUNTED_UP.findall(case.own)
    return len(found) == len(_SET.findall(case.own)) == 1 and not _WRITTEN.search(case.code)


def only_starts(case: Case) -> bool:
    """What it does is the same whoever calls: nothing of the request is used."""
    function = case.pieces[0].function if case.pieces else None
    told = case.route.kind == "action" and (function is None or bool(function.parameters))
    return (
        case.route.kind != "edge"
        and not told
        and not _HANDS_ON.search(case.own)
        and ":" not in case.route.path
        and not SENT.search(case.code)
        and not any(case.flow.of(piece).sent for piece in case.pieces if piece.depth == 0)
    )
