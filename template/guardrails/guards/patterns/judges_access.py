"""Judges of secrets, log-ins and cryptography, and of what is written into logs."""

import re

from ...engine.finding import Severity
from .case import Case, Judge, last_name, words

_UI = re.compile(
    r"toast|sidebar|skeleton|color|colour|confetti|particle|placeholder|mock|demo", re.I
)
_SECRET_USE = re.compile(
    r"\b(otp|one time|token|password|passwd|passcode|secret|session|verification|reset|csrf|nonce|"
    r"salt|api key|auth code|2fa|mfa|pin code|access code|login code)\b"
)
_CODE_USE = re.compile(
    r"\b(invite|invitation|voucher|coupon|gift|referral|license|licence|activation|code|pin|promo)\b"
)
_NO_SECRET = re.compile(
    r"\b(total|max|input|output|prompt|completion|count|estimated|design|mock|fake|random session|"
    r"(product|order|customer|item|sku|invoice|tracking|booking|reference|bar|qr|ticket) ?(code|number|id)|color|file|sample|trend|reset (form|filters|view)|token usage|tokens)\b"
)


def weak_random(case: Case) -> Case | None:
    """Math.random() where a guess must be impossible."""
    source, line = case.source, case.match.line
    assigned = source.assigned(line) or _pair_key(source.line(line))
    target = words(assigned if len(assigned) > 3 else "")
    function = words(source.symbol(line).rpartition(".")[2])
    use = f"{target} {function}" if target else function
    if _UI.search(use) or _NO_SECRET.search(use):
        return None
    if re.search(r"setTimeout|\.sort\(|opacity|width|delay|jitter", source.line(line)):
        return None
    specific = target or function
    if found := _SECRET_USE.search(use):
        if found[1] in {"session", "reset", "salt", "nonce"} and "id" in specific.split():
            return case.but(severity=Severity.MEDIUM, USE=specific)
        return case.but(USE=specific)
    if _CODE_USE.search(use):
        return case.but(severity=Severity.MEDIUM, USE=specific)
    return None


def _pair_key(line: str) -> str:
    found = re.search(r"([\w$]+)\s*:\s*[^:]*Math\.random", line)
    return found[1] if found else ""


_PASSWORDISH = re.compile(
    r"\b(password|passwd|pwd|pin|passcode|recovery code\w*|backup code\w*|otp)\b"
)
_NOT_HASHED_FOR_KEEPING = re.compile(
    r"pwnedpasswords|haveibeenpwned|gravatar|cloudinary|pbkdf2|scrypt", re.I
)


def weak_hash(case: Case) -> Case | None:
    """A fast or broken hash of something that people choose or that is short."""
    source, line = case.source, case.match.line
    if _NOT_HASHED_FOR_KEEPING.search(source.text):
        return None
    data = case.name("DATA")
    if not data:
        chain = source.chain_after(case.match.end_line, case.match.end_column)
        updated = re.search(r"\.update\(\s*([^)]*)", chain)
        data = updated[1] if updated else ""
    if re.fullmatch(r"\s*[\w$]+\s*", data):
        data += " " + source.definition(data.strip(), line).partition("=")[2][:120]
    function = words(source.symbol(line).rpartition(".")[2])
    used = words(re.sub(r"[\"'`][^\"'`]*[\"'`]", " ", re.sub(r"\W+", " ", data)))
    found = _PASSWORDISH.search(used) or _PASSWORDISH.search(function)
    if not found or re.search(r"token|key|secret", used):
        return None
    if re.search(r"recovery|backup|otp|pin", found[1]):
        return case.but(severity=Severity.MEDIUM, WHAT=found[1])
    return case.but(WHAT=found[1])


_BITS = re.compile(
    r"0x67452301|0x6a09e667|0xd76aa478|0x428a2f98|0x5a827999|\b0x36\b|\b0x5c\b|1732584193|1779033703"
    r"|&\s*0x7fffffff|charCodeAt\([^)]*\)\s*\^",
    re.I,
)


def hand_rolled(case: Case) -> Case | None:
    """A function named like an algorithm that works on bits itself."""
    if not _BITS.search(case.match.text):
        return None
    serious = re.search(r"totp|2fa|mfa|hmac|password|signature|encrypt", case.source.text, re.I)
    checksum = re.search(r"md5|crc", case.name("NAME"), re.I)
    return case.but(severity=Severity.MEDIUM) if checksum or not serious else case


_COMPARED = re.compile(
    r"\b(secret|token|signature|sig|hmac|digest|api ?key|otp|totp|webhook key|access code)$"
)
_NOT_COMPARED = re.compile(r"\b(confirm|type|kind|provider|status|count|old|prev|next|current|last|cached|csrf token name)\b")


def timing_compare(case: Case) -> Case | None:
    """A secret compared with what a caller sent, by an operator that stops at the first byte."""
    left, right = case.name("A"), case.name("B")
    sides = [words(last_name(_bearer(side))) for side in (left, right)]
    if not any(_COMPARED.search(side) for side in sides):
        return None
    if any(_NOT_COMPARED.search(side) or not side for side in sides):
        return None
    if any(
        re.fullmatch(r"null|undefined|true|false|void 0|NaN|[\w.]*\.length", side)
        for side in (left, right)
    ):
        return None
    return case.but(WHAT=left if _COMPARED.search(sides[0]) else right)


def _bearer(side: str) -> str:
    found = re.search(r"\$\{([^}]+)\}`?$", side)
    return re.sub(r"\s+as\s+\w+$|[!]$", "", found[1] if found else side)


_TOKEN_KEY = re.compile(
    r"(auth|access|id|refresh|session|jwt|bearer|user|admin|api)[_-]?token|^token$|\bjwt\b|[_-]token$"
    r"|token[_-]?key$|auth[_-]?key$",
    re.I,
)
_OTHER_TOKEN = re.compile(
    r"fcm|push|csrf|invite|device|reset|cart|expo|guest|design|session_?id", re.I
)


def stored_token(case: Case) -> Case | None:
    """A key of a session in the browser's storage, where every script reads it."""
    key = case.name("KEY").strip("\"'`")
    name = last_name(key) if not re.search(r"[-:]", key) else key
    if not _TOKEN_KEY.search(name) or _OTHER_TOKEN.search(key):
        return None
    return case.but(KEY=key)


_ESTABLISHES = re.compile(
    r"set(Current)?User\(|SET_USER|setIsAuthenticated\(\s*true|setIsLoggedIn\(\s*true|setAuth\w*\("
    r"|isAuthenticated\s*:\s*true|isLoggedIn\s*:\s*true|LOGIN_SUCCESS|type:\s*['\"]LOGIN['\"]"
    r"|(local|session)Storage\.setItem\(\s*['\"`]?[\w-]*(user|auth|logged|role|session|login)",
    re.I,
)
_MOVES_ON = re.compile(
    r"(navigate|push|replace|href\s*=|setLocation)\s*\(?\s*['\"`]/?(dashboard|admin|home|app|pos|main)"
)
_ASKS_SERVER = re.compile(
    r"\bfetch\(|axios|supabase|\bapi\w*[.(]|\.(post|mutate|mutateAsync|request|invoke|query|rpc)\("
    r"|sign_?in\w*\(|await\s+[\w.]*log_?in\w*\(|\bon(Login|Submit|SignIn)\(|[\w.]*auth\w*\.\w+\("
    r"|authenticate\w*\(|trpc|client\.|Service\.|firebase|\blogin\w*\(|\bregister\w*\(|\bsignUp\w*\("
    r"|Action\(|verify\w*\(",
    re.I,
)
_LOGIN_PLACE = re.compile(r"log_?in|sign_?in|auth", re.I)


def _credentials_near(case: Case, text: str) -> str:
    """A handler of a log-in page may take what was typed from the page's state."""
    page = re.search(r"log_?in|sign_?in", case.source.path.rpartition("/")[2], re.I)
    return case.source.text if page else text


def fake_login(case: Case) -> Case | None:
    """A log-in in the browser that asks no server."""
    source, body = case.source, case.match.text
    name = case.name("NAME")
    head, _, inside = body.partition("{")
    own = re.sub(r"//[^\n]*|/\*.*?\*/", "", inside, flags=re.S)
    if not re.search(r"log_?in|sign_?in|authenticate", name, re.I) and not re.search(
        r"log_?in|sign_?in", source.path.rpartition("/")[2], re.I
    ):
        return None
    if re.search(r"log_?out|sign_?out|register|sign_?up|open|show|toggle|close", name, re.I):
        return None
    if re.search(r"token|session", head, re.I) or not re.search(
        r"password|passwd|pwd|\bpin\b|passcode", _credentials_near(case, head + own), re.I
    ):
        return None
    if _ASKS_SERVER.search(own):
        return None
    establishes = _ESTABLISHES.search(own)
    if not establishes and not _MOVES_ON.search(own):
        return None
    where = re.compile(r"\bif\s*\(.*(password|passwd|pwd|pin|username|email)", re.I)
    first = case.match.line
    line = source.line_of(where, first, case.match.end_line) or source.line_of(
        _ESTABLISHES if establishes else _MOVES_ON, first, case.match.end_line
    )
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
        page = _LOGIN_PLACE.search(case.source.path.rpartition("/")[2])
        if not page or not re.fullmatch(r"(?=.*\d)[\w@#$!.-]{5,}", literal):
            return None
    if _ABOUT_A_PASSWORD.search(words(left)) or left.startswith("typeof"):
        return None
    return case if _ESTABLISHES.search(case.around) else case.but(severity=Severity.HIGH)


def password_in_query(case: Case) -> Case | None:
    """The row is looked for by its password, so the column holds it as it is."""
    text = case.match.text
    return None if re.search(r"hash|crypt|digest", text, re.I) else case


def server_literal_password(case: Case) -> Case | None:
    left, literal = case.name("P"), case.name("LITERAL").strip("\"'`")
    if not literal or not _PASSWORD_VALUE.search(re.sub(r"[!?]", "", left)):
        return None
    if _EMPTY.match(literal):
        return None
    if _ABOUT_A_PASSWORD.search(words(left)) or left.startswith("typeof"):
        return None
    return case.but(severity=Severity.HIGH) if case.source.is_server else None


def stored_password_compare(case: Case) -> Case | None:
    """`user.password === password`: in the browser a fake log-in, on a server a plain password."""
    sides = [re.sub(r"[!?]", "", case.name(side)) for side in ("A", "B")]
    named = [side for side in sides if re.search(r"(^|[._])password$", side, re.I)]
    if len(named) != 2 or sides[0] == sides[1]:
        return None
    owners = [side.rpartition(".")[0] for side in sides]
    stored = [
        owner
        for owner in owners
        if re.search(
            r"(^|\.)(u|usr|user|account|admin|member|found\w*|stored\w*|existing\w*|demo\w*|cred\w*)$",
            owner,
            re.I,
        )
    ]
    return case if stored else None


def browser_only(case: Case) -> Case | None:
    return None if case.source.is_server else case


def server_or_tooling(case: Case) -> Case | None:
    return case if case.source.is_server or case.source.is_tooling else None


def server_only(case: Case) -> Case | None:
    return case if case.source.is_server else None


_SECRET_ENV = re.compile(
    r"JWT|SECRET|SESSION|PRIVATE_KEY|ENCRYPTION|SIGNING|COOKIE_KEY|HMAC|AUTH_KEY|MASTER_KEY|TOKEN_KEY", re.I
)
_SIGNS = re.compile(
    r"JWT|SESSION|COOKIE|ENCRYPTION|SIGNING|HMAC|MASTER|(^|_)(AUTH|APP|TOKEN|ACCESS|REFRESH)_?(TOKEN_)?SECRET"
    r"|^SECRET(_KEY)?$|PRIVATE_KEY|AUTH_KEY",
    re.I,
)
_CREDENTIAL_ENV = re.compile(r"PASSWORD|PASSWD|API_?KEY|ACCESS_KEY|TOKEN$|SERVICE_ROLE|ADMIN_PASS")
_PLAIN_ENV = re.compile(
    r"EXPIR|_URL|_URI|ISSUER|AUDIENCE|ALGORITHM|PUBLIC|PUBLISHABLE|ANON|NAME|MAX|TTL|LENGTH|TIMEOUT|"
    r"DAYS|_ID$|DURATION|AGE|ROUNDS|REGION|LIFETIME|STORE|PATH|HOURS|MINUTES|COOKIE_NAME|DOMAIN|PREFIX"
)
_EMPTY = re.compile(
    r"^(|.*\bhere$|<.*|changeme|dummy.*|placeholder.*|your[-_ ].*|xxx+.*|test|none|undefined|sk_test_placeholder)$", re.I
)


def default_secret(case: Case) -> Case | None:
    """A secret that falls back to a text which stands in the source."""
    name, literal = case.name("VAR").strip("\"'"), case.name("LITERAL").strip("\"'`")
    if _PLAIN_ENV.search(name) or not literal or literal.startswith(("http", "/")):
        return None
    if not case.source.is_server and case.source.path.endswith("x"):
        return None
    text = case.source.text
    guarded = re.search(
        rf"throw[^;]*{re.escape(name)}|{re.escape(name)}[^;{{]*\)\s*\{{?\s*throw", text
    )
    if _SECRET_ENV.search(name):
        signs = _SIGNS.search(name)
        mild = Severity.LOW if guarded else Severity.MEDIUM
        return case.but(severity=None if signs and not guarded else mild, VAR=name)
    if not _CREDENTIAL_ENV.search(name) or _EMPTY.match(literal):
        return None
    return case.but(severity=Severity.MEDIUM, VAR=name)


def literal_secret(case: Case) -> Case | None:
    literal = case.name("LITERAL").strip("\"'`")
    if len(literal) < 4 or not case.source.is_server or literal.startswith("http"):
        return None
    local = re.search(r"[-_.](local|dev|mock|demo)\b", case.source.path)
    return case.but(severity=Severity.MEDIUM) if local else case


_WEAK_PASSWORD = re.compile(
    r"^(?=.*[a-zA-Z])(?=.*\d)\S{5,40}$|^(admin|password|secret|demo|test|changeme)$", re.I
)


def default_password(case: Case) -> Case | None:
    """A literal password of an account that code creates."""
    literal = case.name("LITERAL").strip("\"'`")
    if not _WEAK_PASSWORD.match(literal) or re.search(
        r"i18n|locale|transl|lang/", case.source.path
    ):
        return None
    if not case.source.is_server and not case.source.is_tooling:
        return None
    if re.search(
        r"example|schema|swagger|@Api|openapi|placeholder", case.source.line(case.match.line), re.I
    ):
        return None
    return case


_BUNDLED = re.compile(
    r"\b(VITE_|NEXT_PUBLIC_|REACT_APP_|EXPO_PUBLIC_|PUBLIC_|NUXT_PUBLIC_|GATSBY_)(\w+)"
)
_CRITICAL_KEY = re.compile(
    r"SERVICE_ROLE|SERVICE_KEY|PRIVATE|STRIPE_SECRET|JWT_SECRET|DATABASE_URL|DB_PASS|MASTER"
)
_PAID_KEY = re.compile(
    r"SECRET|PASSWORD|PASSWD|(OPENAI|ANTHROPIC|CLAUDE|GEMINI|GROQ|OPENROUTER|DEEPSEEK|MISTRAL|RESEND|"
    r"SENDGRID|TWILIO|ELEVENLABS|PERPLEXITY|REPLICATE|HUGGINGFACE|PINATA)\w*(KEY|TOKEN|SECRET|JWT)|"
    r"ACCESS_TOKEN$|AUTH_TOKEN$"
)


def bundled_secret(case: Case) -> Case | None:
    """A variable that the bundler copies into what every visitor downloads."""
    found = _BUNDLED.search(case.match.text)
    if not found or re.search(r"PUBLISHABLE|ANON|SITE_KEY|MAPBOX|PUBLIC_KEY|MAPS", found[2]):
        return None
    name = found[1] + found[2]
    if _CRITICAL_KEY.search(found[2]):
        return case.but(severity=Severity.CRITICAL, VAR=name)
    return case.but(severity=Severity.HIGH, VAR=name) if _PAID_KEY.search(found[2]) else None


_LOGGED_SECRET = re.compile(
    r"(^| )(password|passwd|pwd|passcode|otp|cvv|cvc|secret|token|jwt|api key|private key|secret key|"
    r"license key|licence key|access key|card number|verification code|reset code|reset link|"
    r"reset url|auth code|otp code|pin code|service role key|credentials)$"
)
_NOT_LOGGED = re.compile(
    r"^(must|should|requires?|needs|change|max|total|input|output|prompt|completion|used|has|is|no|missing|next page|page|push|fcm|show|"
    r"csrf|expo|device|continuation|cancel|num|count)\b"
)
_LABELLED_SECRET = re.compile(
    r"(password|passcode|otp|secret|api[ _-]?key|licen[sc]e key|access token|refresh token|jwt|"
    r"verification code|reset token|cvv)\s*[:=]\s*$",
    re.I,
)
_CHAIN = re.compile(
    r"(?<![\w$.!])(!*)\s*([A-Za-z_$][\w$]*(?:[?!]*\.[\w$]+)*)\s*([\[(.?=!&|<>]{0,3})"
)


def logged_secret(case: Case) -> Case | None:
    """The value of a secret is written into the log; its name in a text is nothing."""
    arguments = case.match.text.partition("(")[2].rpartition(")")[0]
    if re.search(r"\*{3}|redact|mask", arguments, re.I):
        return None
    labelled = re.match(r"\s*[\"'`]([^\"'`$]*)[\"'`]\s*,\s*([\w$]+)\s*(,|$)", arguments)
    if (
        labelled
        and _LABELLED_SECRET.search(labelled[1])
        and not re.search(
            r"error|err$|count|length|^e$|status|exists|valid|result|is[A-Z]|has[A-Z]|id$",
            labelled[2],
            re.I,
        )
    ):
        return _at_its_worth(case.but(WHAT=labelled[2]))
    for value in _values(arguments):
        for negated, chain, after in _CHAIN.findall(value):
            if negated or after[:1] in {"(", "?", "=", "!", "&", "<", ">"}:
                continue
            name = words(chain.replace("?", "").rpartition(".")[2])
            if _LOGGED_SECRET.search(name) and not _NOT_LOGGED.search(name):
                if re.search(rf"(typeof|Boolean\(|!!|!)\s*{re.escape(chain)}", value):
                    continue
                return _at_its_worth(case.but(WHAT=chain))
    return None


def _at_its_worth(case: Case) -> Case:
    """In the browser's console only its own user reads it."""
    return case if case.source.is_server else case.but(severity=Severity.LOW)


_TOLD_SAFELY = re.compile(
    r"[\w$.?!]+\.(length|slice|substring|substr|startsWith|includes|id|expires\w*)\b(\([^)]*\))?"
    r"|!!?\s*(\([^()]*\)|[\w$.?]+)|\([^()]*\)\??\.length|`[^`]*`\.length"
)


def _values(arguments: str) -> list[str]:
    """What of a call's arguments is evaluated: no text of strings, no keys of objects, nothing of
    which only the length or the presence is told."""
    told = _TOLD_SAFELY.sub(" ", arguments)
    values = re.findall(r"\$\{([^{}]*)\}", told)
    bare = re.sub(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`", '""', told)
    return [*values, re.sub(r"(?<=[{,\s])[\w$]+\s*:(?!:)", "", bare)]


_CARDS = re.compile(r"card_?number|verification_value|\bcvv\b|\bcvc\b|security_?code", re.I)


def logged_card_body(case: Case) -> Case | None:
    """The raw body is logged where bodies hold card numbers."""
    return raw_body(case) if _CARDS.search(case.around) else None


def raw_body(case: Case) -> Case | None:
    """A whole request body goes to the log."""
    if not case.source.is_server:
        return None
    arguments = case.match.text.partition("(")[2].rpartition(")")[0]
    values = _values(re.sub(r"JSON\.stringify\(\s*([\w$.]+)[^)]*\)", r"\1", arguments))
    above = case.above
    for value in values:
        if found := re.search(r"\b(?:req|request|ctx\.request)\.body\b(?![\w.?\[])", value):
            return case.but(WHAT=found[0])
        for name in re.findall(r"(?<![\w$.])([A-Za-z_$][\w$]*)\b(?!\s*[.?\[(!=&])", value):
            if re.search(
                rf"\b{re.escape(name)}\b\s*(?::[^=\n]+)?=\s*(?:await\s+(?:req|request)\.(?:text|json)\(|"
                rf"(?:req|request)\.body\b(?!\.)|JSON\.parse\(\s*(?:rawBody|body|requestText|text))",
                above,
            ):
                return case.but(WHAT=name)
            if re.fullmatch(r"captured\w*|rawBody|requestText|requestBody|responseBody", name):
                return case.but(WHAT=name)
    return None


_SESSION_COOKIE = re.compile(r"session|token|auth|jwt|user|sid|admin|role|guid", re.I)


def insecure_cookie(case: Case) -> Case | None:
    if not _SESSION_COOKIE.search(case.name("NAME")):
        return None
    options = case.match.text.partition(case.name("NAME"))[2]
    if re.search(r"\bsecure\s*:\s*(?!false)|\.\.\.|cookieOptions|options|clearCookie", options):
        return None
    return case


def origin_line(case: Case) -> Case | None:
    """Point at the line that says which origins."""
    found = re.search(r"\borigin\b", case.match.text)
    skipped = case.match.text.count("\n", 0, found.start()) if found else 0
    return case.but(line=case.match.line + skipped)


def reflected_origin(case: Case) -> Case | None:
    """The caller's own origin is answered, unless it was looked up in a list first."""
    around = case.around
    if not re.search(r"allow-credentials[\"']?\s*[,:]\s*[\"']?true", around, re.I):
        return None
    return None if re.search(r"includes\(|\.has\(|===|allowed", around, re.I) else case


JUDGES: dict[str, Judge] = {
    "server-or-tooling": server_or_tooling,
    "origin-line": origin_line,
    "reflected-origin": reflected_origin,
    "weak-random": weak_random,
    "weak-hash": weak_hash,
    "hand-rolled": hand_rolled,
    "timing-compare": timing_compare,
    "stored-token": stored_token,
    "fake-login": fake_login,
    "literal-password": literal_password,
    "password-in-query": password_in_query,
    "server-literal-password": server_literal_password,
    "stored-password-compare": stored_password_compare,
    "browser-only": browser_only,
    "server-only": server_only,
    "default-secret": default_secret,
    "literal-secret": literal_secret,
    "default-password": default_password,
    "bundled-secret": bundled_secret,
    "logged-secret": logged_secret,
    "logged-card-body": logged_card_body,
    "raw-body": raw_body,
    "insecure-cookie": insecure_cookie,
}
