"""Judges of log-ins, passwords, tokens and the secrets behind them."""

from ...engine import regex as re
from ...engine.finding import Severity
from .case import Case, Judge, last_name, words
from .judges_secrets import EMPTY, left_over

_TOKEN_KEY = re.compile(
    r"(auth|access|id|refresh|session|jwt|bearer|user|admin|api)[_-]?token|^token$|\bjwt\b"
    r"|[_-]token$"
    r"|token[_-]?key$|auth[_-]?key$",
    re.IGNORECASE,
)
_OTHER_TOKEN = re.compile(
    r"fcm|push|csrf|invite|device|reset|cart|expo|guest|design|session_?id", re.IGNORECASE
)


def stored_token(case: Case) -> Case | None:
    """A key of a session in the browser's storage, where every script reads it."""
    key = case.name("KEY").strip("\"'`")
    if re.fullmatch(r"[A-Z][A-Z0-9_]*", key):
        literal = re.search(r"=\s*[\"'`]([^\"'`]+)", case.source.definition(key, case.match.line))
        key = literal[1] if literal else key
    name = last_name(key) if not re.search(r"[-:]", key) else key
    if not _TOKEN_KEY.search(name) or _OTHER_TOKEN.search(key):
        return None
    return case.but(KEY=key)


_ESTABLISHES = re.compile(
    r"set(Current)?User\(|SET_USER|setIsAuthenticated\(\s*true|setIsLoggedIn\(\s*true|setAuth\w*\("
    r"|isAuthenticated\s*:\s*true|isLoggedIn\s*:\s*true|LOGIN_SUCCESS|type:\s*['\"]LOGIN['\"]"
    r"|(local|session)Storage\.setItem\(\s*['\"`]?[\w-]*(user|auth|logged|role|session|login)",
    re.IGNORECASE,
)
_MOVES_ON = re.compile(
    r"(navigate|push|replace|href\s*=|setLocation)\s*\(?\s*['\"`]/?(dashboard|admin|home|app|pos"
    r"|main)"
)
_ASKS_SERVER = re.compile(
    r"\bfetch\(|axios|supabase|\bapi\w*[.(]|\.(post|mutate|mutateAsync|request|invoke|query|rpc)\("
    r"|sign_?in[\w.]*\(|await\s+[\w.]*log_?in\w*\(|\bon(Login|Submit|SignIn)\(|[\w.]*auth\w*\.\w+\("
    r"|\bmutate\w*\(|authenticate\w*\(|trpc|client\.|Service\.|firebase|\blogin\w*\(|\bregister\w*\("
    r"|\bsignUp\w*\("
    r"|Action\(|verify\w*\(|[\"'`]/?api/|method:\s*[\"']POST",
    re.IGNORECASE,
)
_LOGIN_PLACE = re.compile(r"log_?in|sign_?in|auth|regist|sign_?up|admin", re.IGNORECASE)


_LOGIN_PAGE = re.compile(
    r"(?:log[_-]?in|sign[_-]?in)[^/]*$|(?:log[_-]?in|sign[_-]?in)/(?:page|index|\+page)\.\w+$",
    re.IGNORECASE,
)


def _credentials_near(case: Case, text: str) -> str:
    """A handler of a log-in page may take what was typed from the page's state."""
    return case.source.text if _LOGIN_PAGE.search(case.source.path) else text


def _goes_on(case: Case, name: str) -> bool:
    """What another function does once a server has let the caller in; no event leads to it."""
    calls = re.compile(rf"\bawait\s+{re.escape(name)}\(\s*\)")
    text = case.source.text
    handed = re.search(rf"\{{\s*{re.escape(name)}\s*\}}|\{{[^{{}}]*=>\s*{re.escape(name)}\(", text)
    return bool(calls.search(text)) and not handed and bool(_LETS_IN.search(text))


def _answered(case: Case, name: str, head: str, own: str) -> bool:
    """It keeps the token it is handed, and what it is handed is what a server answered."""
    given = re.search(r"\(\s*(\w+)\s*[:),]", head)
    if not given or not re.search(
        rf"\b{given[1]}\.(access_?token|token|jwt)\b", own, re.IGNORECASE
    ):
        return False
    handed = re.search(rf"\b{re.escape(name)}\(\s*(\w+)\.data\s*\)", case.source.text)
    return bool(handed and re.search(rf"\b{handed[1]}\s*=\s*await\s+\w", case.source.text))


_LETS_IN = re.compile(r"await\s+[\w.]*\b(?:signInWith\w*|signIn|login|logIn)\(\s*[{\w]")


def fake_login(case: Case) -> Case | None:
    """A log-in in the browser that asks no server."""
    source, body = case.source, case.match.text
    name = case.name("NAME")
    head, _, inside = body.partition("{")
    own = re.sub(r"//[^\n]*|/\*.*?\*/", "", inside, flags=re.DOTALL)
    names = re.search(r"log_?in|sign_?in|authenticate", name, re.IGNORECASE)
    if not names and not _LOGIN_PAGE.search(source.path):
        return None
    if re.search(
        r"log_?out|sign_?out|register|sign_?up|open|show|toggle|close", name, re.IGNORECASE
    ):
        return None
    if re.search(r"token|session", head, re.IGNORECASE) or not re.search(
        r"password|passwd|pwd|\bpin\b|passcode", _credentials_near(case, head + own), re.IGNORECASE
    ):
        return None
    if _ASKS_SERVER.search(own) or _goes_on(case, name) or _answered(case, name, head, own):
        return None
    establishes = _ESTABLISHES.search(own)
    if not establishes and not _MOVES_ON.search(own):
        return None
    where = re.compile(r"\bif\s*\(.*(password|passwd|pwd|pin|username|email)", re.IGNORECASE)
    first = case.match.line
    line = source.line_of(where, first, case.match.end_line)
    if not line and establishes:
        line = source.line_of(_ESTABLISHES, first, case.match.end_line)
    return case.but(severity=None if establishes else Severity.HIGH, line=line)


_PASSWORD_VALUE = re.compile(
    r"(^|\.)(\w*[a-z])?(password|passwd|pwd|passcode|pin|Password|Pin|Passcode)$"
)
_ABOUT_A_PASSWORD = re.compile(
    r"\b(show|hide|type|mode|view|strength|status|step|errors?|field|must|should|require\w*|change|"
    r"need\w*|has|is|reset|forgot)\b"
)


def literal_password(case: Case) -> Case | None:
    """A password compared with a literal: in the browser everybody can read it."""
    left, literal = case.name("P"), case.name("LITERAL").strip("\"'`")
    if case.source.is_server or not literal:
        return None
    if not _PASSWORD_VALUE.search(re.sub(r"[!?]", "", left)):
        page = _LOGIN_PLACE.search(_place_of(case.source.path))
        if not page or not re.fullmatch(r"(?=.*\d)[\w@#$!.-]{5,}", literal):
            return None
    if _ABOUT_A_PASSWORD.search(words(left)) or left.startswith("typeof"):
        return None
    if left_over(case):
        return case.but(severity=Severity.LOW)
    return case if _ESTABLISHES.search(case.around) else case.but(severity=Severity.HIGH)


def _place_of(path: str) -> str:
    """The file's own name; where a framework names it, the folders that say what page it is."""
    folders, _, name = path.rpartition("/")
    named = re.match(r"(?:page|index|\+page)\.", name) is not None
    return "/".join(folders.split("/")[-2:]) if named else name


def password_in_query(case: Case) -> Case | None:
    """The row is looked for by its password, so the column holds it as it is."""
    text = case.match.text
    return None if re.search(r"hash|crypt|digest", text, re.IGNORECASE) else case


_ONLY_IN_DEVELOPMENT = re.compile(r"NODE_ENV\s*===?\s*['\"](?:development|test)['\"]\s*&&[^;{}]*$")


def server_literal_password(case: Case) -> Case | None:
    left, literal = case.name("P"), case.name("LITERAL").strip("\"'`")
    if not literal or not _PASSWORD_VALUE.search(re.sub(r"[!?]", "", left)):
        return None
    if EMPTY.match(literal):
        return None
    if _ABOUT_A_PASSWORD.search(words(left)) or left.startswith("typeof"):
        return None
    if not case.source.is_server:
        return None
    tried = case.source.is_tooling or _ONLY_IN_DEVELOPMENT.search(case.above[-300:])
    return case.but(severity=Severity.LOW if tried else Severity.HIGH)


_SERVER_LOGS_IN = re.compile(
    r"await\s+[\w.]+\(\s*[\"'`][^\"'`]*/(?:auth|session|log-?in|sign-?in)\b|signInWith\w*\(",
    re.IGNORECASE,
)


_KEPT_PASSWORD = re.compile(r"(?:hashed|stored|saved|db|correct)_?password$", re.IGNORECASE)
_A_PASSWORD = re.compile(rf"(?:^|[._])password$|^{_KEPT_PASSWORD.pattern}", re.IGNORECASE)


def stored_password_compare(case: Case) -> Case | None:
    """`user.password === password`: in the browser a fake log-in, on a server a plain password."""
    sides = [re.sub(r"[!?]", "", case.name(side)) for side in ("A", "B")]
    named = [side for side in sides if _A_PASSWORD.search(side)]
    if len(named) != 2 or sides[0] == sides[1]:
        return None
    if any(_KEPT_PASSWORD.match(side) for side in sides):
        return case
    owners = [side.rpartition(".")[0] for side in sides]
    stored = [
        owner
        for owner in owners
        if re.search(
            r"(^|\.)(u|usr|user|account|admin|member|found\w*|stored\w*|existing\w*|demo\w*"
            r"|cred\w*)$",
            owner,
            re.IGNORECASE,
        )
        or _of_a_list(case, owner)
    ]
    if not stored:
        return None
    return case.but(severity=Severity.MEDIUM) if _SERVER_LOGS_IN.search(case.above) else case


def _of_a_list(case: Case, owner: str) -> bool:
    """`ACCOUNTS.find((one) => one.email === email && one.password === password)`"""
    within = case.source.between(max(1, case.match.line - 2), case.match.line)
    each = rf"\.(?:find|some|filter)\(\s*\(?\s*{re.escape(owner)}\b"
    return bool(owner) and re.search(each, within) is not None


def none_user(case: Case) -> Case | None:
    """A middleware goes on, whether there is an account for the token or none."""
    after = case.below.partition("next()")
    asked = re.search(
        r"!\s*req\.user\b|req\.user\s*(?:[=!]==?|\?\?|\|\||&&)|\bif\s*\(\s*req\.user\s*\)", after[0]
    )
    return case if after[1] and not asked else None


_DATABASE = re.compile(
    r"\b(?:Pool(?:Config)?|Client|pg\.|postgres|Sequelize|DataSource|drizzle|knex|createPool|createConnection)\b"
    r"|DATABASE_URL|POSTGRES|PGHOST|REDIS",
)


_TO_A_MAIL_SERVER = re.compile(r"createTransport|nodemailer|smtp", re.IGNORECASE)


def unchecked_certificates(case: Case) -> Case | None:
    """To a database, whose host often has a certificate of its own making, it is milder; a mail
    goes on in clear from many a server anyway."""
    text = case.above[-600:] + case.below[:200]
    mild = _DATABASE.search(text) or not case.source.is_server
    if not mild and _TO_A_MAIL_SERVER.search(text):
        return case.but(severity=Severity.MEDIUM)
    return case.but(severity=Severity.LOW) if mild else case


def browser_only(case: Case) -> Case | None:
    return None if case.source.is_server else case


def server_or_tooling(case: Case) -> Case | None:
    return case if case.source.is_server or case.source.is_tooling else None


_SESSION_COOKIE = re.compile(r"session|token|auth|jwt|user|sid|admin|role|guid", re.IGNORECASE)


def insecure_cookie(case: Case) -> Case | None:
    if not _SESSION_COOKIE.search(case.name("NAME")):
        return None
    options = case.match.text.partition(case.name("NAME"))[2]
    if re.search(r"\bsecure\s*:(?!\s*false)|\.\.\.|cookieOptions|options|clearCookie", options):
        return None
    return case


def insecure_session(case: Case) -> Case | None:
    """Point at the line that takes the flag away; who leaves it out may set it by `app.set`."""
    off = re.search(r"\bsecure\s*:\s*false\b", case.match.text)
    if off is None:
        return None
    return case.but(None, case.match.line + case.match.text.count("\n", 0, off.start()))


_COOKIES = re.compile(
    r"\.(?:signed)?[cC]ookies\b|\bcookies\(\)|\b(?:[sg]et|res\.|reply\.)[cC]ookies?\(|\.cookie\("
    r"|[sS]et-[cC]ookie|httpOnly|(?:express|cookie|iron|fastify)-session|next-auth|better-auth"
    r"|@auth/|passport|lucia|@clerk|supabase/ssr|fastify/(?:cookie|session|secure-session)"
)
_CODE = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts")


def origin_line(case: Case) -> Case | None:
    """Point at the line that says which origins. Where nobody is known by a cookie, a browser
    sends nothing along that another site could misuse."""
    found = re.search(r"\borigin\b", case.match.text)
    skipped = case.match.text.count("\n", 0, found.start()) if found else 0
    tree = case.source.tree
    cookies = any(_COOKIES.search(tree.text(path) or "") for path in tree.ending(*_CODE))
    return case.but(None if cookies else Severity.LOW, case.match.line + skipped)


def last_word_on_origins(case: Case) -> Case | None:
    """Point at the line that lets in whom nothing before let in."""
    told = origin_line(case)
    last = [*re.finditer(r"\(\s*null\s*,\s*(?:true|origin)\s*\)", case.match.text)][-1]
    skipped = case.match.text.count("\n", 0, last.start())
    return told.but(told.severity, case.match.line + skipped) if told else None


def reflected_origin(case: Case) -> Case | None:
    """The caller's own origin is answered, unless it was looked up in a list first."""
    around = case.around
    if not re.search(r"allow-credentials[\"']?\s*[,:]\s*[\"']?true", around, re.IGNORECASE):
        return None
    return None if re.search(r"includes\(|\.has\(|===|allowed", around, re.IGNORECASE) else case


_ASKS_SOCKET = re.compile(
    r"\b(?:io|nsp|namespace|server)\.use\(|\bhandshake\b|\bsocket\.(?:user|auth|decoded|request)"
    r"|\bsocket\.data\.|\.verify\w*\("
)


def unasked_socket(case: Case) -> Case | None:
    """Nothing asks a socket who it is, in its file or where sockets are let in."""
    tree = case.source.tree
    texts = (tree.text(path) or "" for path in tree.ending(*_CODE))
    asked = any(_ASKS_SOCKET.search(text) for text in texts if "socket" in text)
    return None if asked else case


_TELLS = re.compile(r"\.(?:to|in)\(")


def unasked_room(case: Case) -> Case | None:
    """What is only counted as being there hears nothing."""
    return unasked_socket(case) if _TELLS.search(case.source.text) else None


_LOOKS_WHOSE = re.compile(
    r"\bawait\b|\.(?:includes|some|has|find\w*|query|select|equals)\(|[!=]==|\bif\s*\(\s*!?\s*(?:is|can|has|allowed)"
)


def any_room(case: Case) -> Case | None:
    """A socket that was asked who it is, and joins any room; which one never was is told apart."""
    if unasked_socket(case) is not None or not _TELLS.search(case.source.text):
        return None
    return None if _LOOKS_WHOSE.search(case.match.text) else case


_ENDS = re.compile(r"\bexp\b|expir", re.IGNORECASE)
_NO_SESSION = re.compile(r"reset|verif|confirm|invite|unsubscri|download", re.IGNORECASE)


def endless_token(case: Case) -> Case | None:
    """The end may stand in what is signed, and a link in a letter has a life of its own."""
    payload = case.name("PAYLOAD")
    text = case.source.definition(payload, case.match.line) if payload.isidentifier() else payload
    if _ENDS.search(text) or _NO_SESSION.search(text):
        return None
    return case


JUDGES: dict[str, Judge] = {
    "stored-token": stored_token,
    "endless-token": endless_token,
    "none-user": none_user,
    "unchecked-certificates": unchecked_certificates,
    "fake-login": fake_login,
    "literal-password": literal_password,
    "password-in-query": password_in_query,
    "server-literal-password": server_literal_password,
    "stored-password-compare": stored_password_compare,
    "browser-only": browser_only,
    "server-or-tooling": server_or_tooling,
    "insecure-cookie": insecure_cookie,
    "insecure-session": insecure_session,
    "origin-line": origin_line,
    "any-room": any_room,
    "unasked-room": unasked_room,
    "unasked-socket": unasked_socket,
    "last-word-on-origins": last_word_on_origins,
    "reflected-origin": reflected_origin,
}
