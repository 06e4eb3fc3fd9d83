"""Judges of secrets and passwords that stand in the source."""

from ...engine import regex as re
from ...engine.finding import Severity
from ..filenames import is_test
from .case import Case, Judge
from .source import TOOLING

_SECRET_ENV = re.compile(
    r"JWT|SECRET|SESSION|PRIVATE_KEY|ENCRYPTION|SIGNING|COOKIE_KEY|HMAC|AUTH_KEY|MASTER_KEY"
    r"|TOKEN_KEY",
    re.IGNORECASE,
)
_SIGNS = re.compile(
    r"JWT|SESSION|COOKIE|ENCRYPTION|SIGNING|HMAC|MASTER|(^|_)(AUTH|APP|TOKEN|ACCESS"
    r"|REFRESH)_?(TOKEN_)?SECRET"
    r"|^SECRET(_KEY)?$|PRIVATE_KEY|AUTH_KEY",
    re.IGNORECASE,
)
_CREDENTIAL_ENV = re.compile(
    r"PASSWORD|PASSWD|_PASS$|API_?KEY|ACCESS_KEY|TOKEN$|SERVICE_ROLE|ADMIN_PASS"
)
_PLAIN_ENV = re.compile(
    r"EXPIR|_URL|_URI|ISSUER|AUDIENCE|ALGORITHM|PUBLIC|PUBLISHABLE|ANON|NAME|MAX|TTL|LENGTH"
    r"|TIMEOUT|"
    r"DAYS|_ID$|DURATION|AGE|ROUNDS|REGION|LIFETIME|STORE|PATH|HOURS|MINUTES|COOKIE_NAME|DOMAIN"
    r"|PREFIX"
)
EMPTY = re.compile(
    r"^(|.*\bhere$|<.*|changeme|dummy.*|placeholder.*|your[-_ ].*|xxx+.*|test|none|undefined"
    r"|sk_test_placeholder)$",
    re.IGNORECASE,
)


_ENTRY = re.compile(
    r"(^|/)(index|main|server|app|route|worker|page|layout|middleware|proxy|\+\w+|_\w+)\.[cm]?[jt]sx?$"
    r"|(^|/)(api|functions)/|\.config\."
)


def left_over(case: Case) -> bool:
    """A module that nothing imports any more: what a template brought and was replaced."""
    source = case.source
    if _ENTRY.search(source.path) or not re.search(
        r"^export\s|module\.exports", source.text, re.MULTILINE
    ):
        return False
    stem = re.escape(source.path.rpartition("/")[2].partition(".")[0])
    wanted = re.compile(rf"[\"'`][^\"'`\n]*/{stem}(?:\.[cm]?[jt]sx?)?[\"'`]")
    others = source.tree.ending(".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".json")
    return not any(
        wanted.search(source.tree.text(path) or "") for path in others if path != source.path
    )


_SESSIONS = re.compile(r"(?:\bsession\(\s*|\bSessionOptions\s*=\s*)\{[^}]*$")


def _names_a_session(case: Case) -> bool:
    """It signs the random id of a session that the server keeps: who knows it makes none up."""
    source = case.source
    before = source.text[: source.offset(case.match.line, case.match.column)]
    return "express-session" in source.text and bool(_SESSIONS.search(before))


def _required(case: Case, name: str) -> bool:
    """Whether a file of the program ends it where one of a list of settings is missing."""
    listed = re.compile(
        rf"\[[^\]]*[\"']{re.escape(name)}[\"'][^\]]*\][\s\S]{{0,300}}?\benv\["
        r"[\s\S]{0,300}?(?:\bthrow\b|process\.exit\(\s*1)"
    )
    tree = case.source.tree
    told = (
        listed.search(tree.text(path) or "")
        for path in tree.ending(".ts", ".js", ".mjs", ".cjs")
        if not (is_test(path) or TOOLING.search(path))
    )
    # What is listed with what it is otherwise is not missed.
    return any(found and "default" not in found[0].partition("]")[0] for found in told)


_SENT = re.compile(r"\b(?:headers?|cookies|searchParams|query|params|body|formData|get[hH]eader)\b")
_VARIABLE = re.compile(r"[\"'`].*[\"'`]|[A-Z][A-Z0-9_]*")


def default_secret(case: Case) -> Case | None:
    """A secret that falls back to a text which stands in the source."""
    name, literal = case.name("VAR").strip("\"'"), case.name("LITERAL").strip("\"'`")
    if not _VARIABLE.fullmatch(case.name("VAR")) or _SENT.search(case.match.text):
        return None  # of a map by a variable's value, or of a request: no setting is named
    switch = literal in {"true", "false"}
    if literal == "":
        return case.but(severity=Severity.HIGH, VAR=name) if _checked_with_nothing(case) else None
    if _PLAIN_ENV.search(name) or switch or literal.startswith(("http", "/")):
        return None
    page = not case.source.is_server and case.source.path.endswith("x")
    if _SECRET_ENV.search(name):
        return None if page else case.but(severity=_guessed(case, name), VAR=name)
    if (
        page
        or not _CREDENTIAL_ENV.search(name)
        or EMPTY.match(literal)
        or _credential(name, literal)
    ):
        return None  # what looks like the real one is told of as committed
    return case.but(severity=Severity.MEDIUM, VAR=name)


_KEPT_AS = re.compile(r"\b(?:const|let)\s+(\w+)\s*(?::\s*\w+\s*)?=\s*$")
_SIGNED = r"createHmac\([^()]*,\s*{0}\s*\)|\.update\([^()]*\b{0}\b[^()]*\)|\$\{{{0}\}}"
_COMPARED = re.compile(
    r"(?:[!=]==?\s*[\w.]*signature\w*|\bsignature\w*\s*[!=]==?\s*\w|timingSafeEqual\()",
    re.IGNORECASE,
)


def _checked_with_nothing(case: Case) -> bool:
    """Whether what a stranger signed is checked with a key that is empty where none is set."""
    text = case.source.text
    at = case.source.offset(case.match.line, case.match.column)
    kept = _KEPT_AS.search(text[max(0, at - 120) : at])
    if kept is None or not case.source.is_server:
        return False
    name, later = re.escape(kept[1]), text[at:]
    looked_at = re.search(rf"!\s*{name}\b|\b{name}\s*(?:[!=]==?|\?(?!\.)|&&|\.length)", later)
    makes = re.search(_SIGNED.format(name), later)
    return looked_at is None and makes is not None and _COMPARED.search(later) is not None


_MISSED = re.compile(r"(?:process\.env\.|Deno\.env\.get\(\s*['\"])(\w*SECRET\w*)")
_IN_EARNEST = re.compile(r"NODE_ENV|\bthrow\b|process\.exit|\bis(?:Dev|Prod)\w*")


def returned_secret(case: Case) -> Case | None:
    """`if (!secret) return "…"`, where the secret is one of the settings."""
    above = case.above[-600:]
    named = list(_MISSED.finditer(above))
    literal = case.name("LITERAL").strip("\"'`")
    if not named or _IN_EARNEST.search(above[named[-1].start() :]) or literal.startswith("http"):
        return None
    return case.but(severity=_guessed(case, named[-1][1]), VAR=named[-1][1])


def _guessed(case: Case, name: str) -> Severity | None:
    """How bad it is that the secret is known; None is as bad as it gets."""
    text, named = case.source.text, re.escape(name)
    thrown = "throw[^;]*" + named + "|" + named + r"[^;{]*\)\s*\{?\s*throw"
    thrown += rf"|if\s*\(\s*!\s*process\.env\.{named}\s*\)\s*\{{[\s\S]{{0,600}}?process\.exit\(\s*1"
    if re.search(thrown, text) or _required(case, name):
        return Severity.LOW
    if not _SIGNS.search(name) or left_over(case) or _names_a_session(case):
        return Severity.MEDIUM
    # What is encrypted lies in the database, and nobody signs in with its key.
    return Severity.HIGH if "ENCRYPT" in name.upper() else None


def _credential(name: str, literal: str) -> bool:
    """Whether the text opens somebody's account elsewhere, rather than a database at home."""
    elsewhere = not re.search(r"(?i)^(?:db|database|pg|postgres|mysql|mongo|redis|test)", name)
    typed = len(literal) >= 8 and re.search(r"\d", literal) and re.search(r"[A-Za-z]", literal)
    return bool(elsewhere and typed) and not re.search(
        r"(?i)^(?:test|dev|demo|local|fake|mock)|password|secret|1234|example|your|change|placeholder",
        literal,
    )


_OF_A_PROVIDER = re.compile(
    r"re_|sk[-_]|pk_|rk_|whsec_|SG\.|xox|gh[pousr]_|AIza|AKIA|key-|eyJ|hf_|gsk_|npg_|sb_"
)


_OF_AN_ACCOUNT = re.compile(r"(?:_PASS|_PASSWORD)$")
_CHOSEN = re.compile(r"(?=.*[A-Za-z])(?=.*\d)(?=.*[^\w\s])\S{8,80}$")


def committed_credential(case: Case) -> Case | None:
    """A password or key for another service, where a setting is missing."""
    name, literal = case.name("VAR").strip("\"'"), case.name("LITERAL").strip("\"'`")
    if _SECRET_ENV.search(name) or _PLAIN_ENV.search(name) or EMPTY.match(literal):
        return None
    if _OF_A_PROVIDER.match(literal) or (_OF_AN_ACCOUNT.search(name) and _CHOSEN.match(literal)):
        return None  # the search for secrets knows it by its shape
    return case.but(VAR=name) if _credential(name, literal) else None


_SETTING = re.compile(r"(?:process\.env|Deno\.env|import\.meta\.env)\b|[A-Z][A-Z0-9_]*$")


def literal_code(case: Case) -> Case | None:
    """A word that opens something to whoever sends it; a setting is sent by nobody."""
    if _SETTING.match(case.name("P")):
        return None
    literal = case.name("LITERAL").strip("\"'`")
    if len(literal) < 4 or EMPTY.match(literal) or case.name("P").startswith("typeof"):
        return None
    return case


def literal_secret(case: Case) -> Case | None:
    literal = case.name("LITERAL").strip("\"'`")
    if len(literal) < 4 or not case.source.is_server or literal.startswith("http"):
        return None
    local = re.search(r"[-_.](local|dev|mock|demo)\b", case.source.path) or re.search(
        r"if\s*\(\s*!?(?:is_?(?:local|dev)\w*|local\w*|dev\w*)\s*\)\s*\{[^}]*$",
        case.above,
        re.IGNORECASE,
    )
    return case.but(severity=Severity.MEDIUM) if local or _names_a_session(case) else case


_WEAK_PASSWORD = re.compile(
    r"^(?=.*[a-zA-Z])(?=.*\d)\S{5,40}$|^\d{4,12}$|^(admin|password|secret|demo|test|changeme)$",
    re.IGNORECASE,
)


_WHOSE = re.compile(
    r"""\b(?:e_?mail|user_?name|login)["']?\s*:\s*["'][^"'\s]+["']""", re.IGNORECASE
)


def default_password(case: Case) -> Case | None:
    """A literal password of an account that code creates."""
    literal = case.name("LITERAL").strip("\"'`")
    hashed = re.search(r"hash\w*\(", case.match.text) and re.fullmatch(r"\S{4,40}", literal)
    if not (hashed or _WEAK_PASSWORD.match(literal)) or re.search(
        r"i18n|locale|transl|lang/", case.source.path
    ):
        return None
    in_browser = not case.source.is_server and not case.source.is_tooling
    if in_browser and (not _WHOSE.search(case.source.line(case.match.line)) or left_over(case)):
        return None
    if re.search(
        r"\bexamples?\s*:|swagger|@Api|openapi|placeholder",
        case.source.line(case.match.line),
        re.IGNORECASE,
    ):
        return None
    return case.but(severity=Severity.HIGH) if _at_each_start(case) else case


_OF_THE_HOUSE = re.compile(
    r"""\brole["']?\s*:\s*[\w.]*["']?(?:super_?)?(?:admin|staff|owner|manager)|\bis_?[aA]dmin["']?\s*:\s*true""",
    re.IGNORECASE,
)
_SEEDS = re.compile(
    r"(?:^|/)(?:seeds?|data|scripts?|migrations?|fixtures?|tests?|prisma)/|seed|reset|script|demo"
)
_AT_HOME = re.compile(r"NODE_ENV|\bSEED\w*\b|require\.main|process\.exit|\bisDev\w*")


def _at_each_start(case: Case) -> bool:
    """Whether a server makes an account that looks after the others, and nobody has to run a
    script for it.
    """
    source, line = case.source, case.match.line
    if not source.is_server or source.is_tooling or _SEEDS.search(source.path.lower()):
        return False
    near = source.between(max(1, line - 3), line + 15)
    around = source.between(max(1, line - 25), line + 15)
    return _OF_THE_HOUSE.search(near) is not None and not _AT_HOME.search(around)


def named_password(case: Case) -> Case | None:
    """`const adminPassword = "…"`, hashed some lines on for who looks after the others."""
    literal = re.fullmatch(
        r"\s*(?:const|let|var)?\s*\w+\s*(?::\s*string\s*)?=\s*[\"'`]([^\"'`\s]{4,40})[\"'`]\s*;?\s*(?://.*)?",
        case.source.definition(case.name("NAME"), case.match.line),
    )
    return case.but(severity=Severity.HIGH) if literal and _at_each_start(case) else None


_TYPED = re.compile(
    r"\s*(?:const|let|var)?\s*\w+\s*(?::\s*string\s*)?=\s*[\"'`]([^\"'`\s$]{4,40})[\"'`]\s*;?\s*(?://.*)?"
)
_KEEPS = re.compile(
    r"\b(?:insert|update|upsert|create|save|query|execute|set)\w*\s*\(|\bINSERT|UPDATE\b"
)


def password_of_script(case: Case) -> Case | None:
    """`const password = "admin123"`, hashed and stored by a script that somebody runs."""
    source, name = case.source, case.name("NAME")
    script = source.is_tooling or _SEEDS.search(source.path.lower()) or _AT_HOME.search(source.text)
    typed = _TYPED.fullmatch(source.definition(name, case.match.line)) if script else None
    if typed is None or is_test(source.path) or not _KEEPS.search(source.text):
        return None
    declared = re.compile(rf"\b{re.escape(name)}\b[^=\n]*=\s*[\"'`]{re.escape(typed[1])}[\"'`]")
    return case.but(line=source.line_of(declared, 1, case.match.line) or case.match.line)


_NEW_ACCOUNT = re.compile(r"createUser\(|\bsignUp\(|\b[Uu]sers?\.create\(|\bnew\s+User\(")


def password_otherwise(case: Case) -> Case | None:
    """`password: password || "Welcome123"` of an account that is made for somebody."""
    if re.search(r"process\.env|Deno\.env|random", case.match.text, re.IGNORECASE):
        return None
    line = case.match.line
    near = case.source.between(max(1, line - 6), line)
    return case if _NEW_ACCOUNT.search(near) else None


_SLOW_HASH = re.compile(r"(?i)bcrypt|argon|scrypt|hashPassword")


def own_password(case: Case) -> Case | None:
    """What is hashed slowly is a password; a quick hash of an address is a key to look it up by."""
    return case.but(severity=Severity.HIGH) if _SLOW_HASH.search(case.match.text) else None


_BUNDLED = re.compile(
    r"\b(VITE_|NEXT_PUBLIC_|REACT_APP_|EXPO_PUBLIC_|PUBLIC_|NUXT_PUBLIC_|GATSBY_)(\w+)"
)
_CRITICAL_KEY = re.compile(
    r"SERVICE_ROLE|SERVICE_KEY|PRIVATE|STRIPE_SECRET|JWT_SECRET|DATABASE_URL|DB_PASS|MASTER_?KEY"
)
_PAID_KEY = re.compile(
    r"SECRET|PASSWORD|PASSWD|(OPENAI|ANTHROPIC|CLAUDE|GEMINI|GROQ|OPENROUTER|DEEPSEEK|MISTRAL"
    r"|RESEND|"
    r"SENDGRID|TWILIO|ELEVENLABS|PERPLEXITY|REPLICATE|HUGGINGFACE|PINATA)\w*(KEY|TOKEN|SECRET|JWT)|"
    r"ACCESS_TOKEN$|AUTH_TOKEN$"
)


def bundled_secret(case: Case) -> Case | None:
    """A variable that the bundler copies into what every visitor downloads."""
    found = _BUNDLED.search(case.match.text)
    if not found or re.search(r"PUBLISHABLE|ANON|SITE_KEY|MAPBOX|PUBLIC_KEY|MAPS|_ID$", found[2]):
        return None
    # What a server or a script reads from its own environment, no bundler copies.
    by_process = case.match.text.startswith("process.env")
    if by_process and (found[1] == "VITE_" or case.source.is_server or case.source.is_tooling):
        return None
    name = found[1] + found[2]
    if _CRITICAL_KEY.search(found[2]):
        return case.but(severity=Severity.CRITICAL, VAR=name)
    return case.but(severity=Severity.HIGH, VAR=name) if _PAID_KEY.search(found[2]) else None


_DEFINED = re.compile(r"^[\"'](?:process\.env|import\.meta\.env)?[._]*(\w+)")


def defined_secret(case: Case) -> Case | None:
    """`define: { "process.env.KEY": JSON.stringify(env.KEY) }` of a bundler's settings."""
    if not re.search(
        r"(?:^|/)(?:vite|webpack|rollup|esbuild|craco)\.config\.\w+$", case.source.path
    ):
        return None
    told = {
        one.line: name
        for one in case.source.matches[case.match.pattern]
        if (name := _defined(one.text))
    }
    if not told or min(told) != case.match.line:
        return None  # one setting of the build, however many keys it names
    names = list(dict.fromkeys(told.values()))
    critical = any(map(_CRITICAL_KEY.search, names))
    return case.but(severity=Severity.CRITICAL if critical else None, VAR=", ".join(names))


def _defined(text: str) -> str:
    found = _DEFINED.match(text)
    one: str
    for one in (found[1] if found else "", *re.findall(r"\benv(?:\.|\[\s*[\"'])(\w+)", text)):
        if re.search(r"PUBLISHABLE|ANON|SITE_KEY|PUBLIC_KEY|MAPS|_ID$", one):
            return ""
        if _CRITICAL_KEY.search(one) or _PAID_KEY.search(one) or "SMTP_PASS" in one:
            return one
    return ""


JUDGES: dict[str, Judge] = {
    "bundled-secret": bundled_secret,
    "committed-credential": committed_credential,
    "default-password": default_password,
    "default-secret": default_secret,
    "returned-secret": returned_secret,
    "defined-secret": defined_secret,
    "literal-code": literal_code,
    "literal-secret": literal_secret,
    "named-password": named_password,
    "own-password": own_password,
    "password-of-script": password_of_script,
    "password-otherwise": password_otherwise,
}
