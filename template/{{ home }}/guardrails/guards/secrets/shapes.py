"""What credentials look like: the shapes that the scanner misses or can't rank."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...engine import regex as re
from ...engine.finding import Severity
from .expiry import ends
from .values import (
    claims,
    github_checksum_fits,
    is_for_development,
    is_for_trying,
    is_placeholder,
    is_random,
    within_data,
)


@dataclass(frozen=True)
class Sighting:
    """A secret at a place. `weight` is what it opens; `rule` applies when it is in the tree."""

    secret: str
    what: str
    weight: Severity
    path: str
    line: int
    rule: str = "secret.committed"
    consequence: str = ""
    proven: bool = False
    commit: str = ""


@dataclass(frozen=True)
class _Kind:
    """What a value turned out to be; None of them for a placeholder."""

    what: str
    weight: Severity
    rule: str = "secret.committed"
    consequence: str = ""
    proven: bool = False
    secret: str = ""


@dataclass(frozen=True)
class _Shape:
    marker: str
    pattern: re.Pattern[str]
    kind: Callable[[re.Match[str]], _Kind | None]


def sightings(path: str, text: str) -> Iterator[Sighting]:
    """Every credential in the text that its own shape gives away."""
    for shape in _SHAPES:
        if shape.marker not in text:
            continue
        for match in shape.pattern.finditer(text):
            kind = shape.kind(match)
            if kind is None or _waived(match) or _cut_out(match):
                continue
            yield Sighting(
                secret=kind.secret or match[0],
                what=kind.what,
                weight=_weighed(kind, path),
                path=path,
                line=text.count("\n", 0, _at(match)) + 1,
                rule=kind.rule,
                consequence=kind.consequence,
                proven=kind.proven,
            )


def _cut_out(match: re.Match[str]) -> bool:
    """A token has dots, a private key its lines; what else is in the middle of data is data."""
    if "." in match[0] or match[0].startswith(("-----", ":")):
        return False
    return within_data(match.string, match.start(), match.end())


_SEEDS = re.compile(r"(^|/)(seed\w*|demo\w*|fixtures?)(/|[.-])", re.IGNORECASE)


def _weighed(kind: _Kind, path: str) -> Severity:
    """A made-up account's password is graver where it isn't made up for a try."""
    made_up = kind.what.startswith("password that") and _SEEDS.search(path)
    return min(kind.weight, Severity.MEDIUM) if made_up else kind.weight


def _at(match: re.Match[str]) -> int:
    """Where the value itself stands, when the shape tells it from what is around."""
    return match.start("value") if "value" in match.re.groupindex else match.start()


def _waived(match: re.Match[str]) -> bool:
    text = match.string
    end = text.find("\n", match.end())
    rest = text[match.end() : end if end >= 0 else len(text)]
    return "kingfisher:ignore" in rest or "gitleaks:allow" in rest


_INVENTED = re.compile(r"\bexample\.(com|org|net)\b|\bmock|\bfake\b|\bdummy\b", re.IGNORECASE)


def _plain(what: str, weight: Severity, consequence: str) -> Callable[..., _Kind | None]:
    def kind(match: re.Match[str]) -> _Kind | None:
        around = match.string[max(0, match.start() - 250) : match.start()]
        if is_placeholder(match[0]) or _INVENTED.search(around):
            return None
        return _Kind(what, weight, consequence=consequence)

    return kind


_LOCAL_EXPIRY = 1983812996
"""Of the keys that the Supabase CLI gives every local stack."""


def _token(match: re.Match[str]) -> _Kind | None:
    payload = claims(match[0])
    blotted_out = re.search(r"(\w)\1{7}$", match[0])
    if payload is None or blotted_out or payload.get("iss") == "supabase-demo":
        return None
    if payload.get("exp") == _LOCAL_EXPIRY and "ref" not in payload:
        return None
    role = payload.get("role")
    if "iat" not in payload and "exp" not in payload and "ref" not in payload:
        return None
    if role == "service_role":
        return _Kind(
            "Supabase service_role key",
            Severity.CRITICAL,
            "secret.service-role",
            "it passes every row-level security policy: whoever has it reads and writes it all",
            proven=True,
        )
    if role == "anon":
        return _Kind(
            "Supabase anon key", Severity.INFO, "secret.anon-key",
            "it is public by design; what it may do is for row-level security to say",
            proven=True,
        )  # fmt: skip
    return _foreign_token(payload)


def _foreign_token(payload: Mapping[str, Any]) -> _Kind | None:
    end = ends(payload)
    if end is not None and end < time.time():
        return None
    if str(payload.get("sub")) == "1234567890":  # the one on jwt.io
        return None
    lasts = "has no expiry" if end is None else "has not expired"
    return _Kind(f"token (JWT) that {lasts}", Severity.HIGH, consequence="it lets its holder in")


def _secret_key(match: re.Match[str]) -> _Kind | None:
    if is_placeholder(match[0]):
        return None
    return _Kind(
        "Supabase secret key",
        Severity.CRITICAL,
        "secret.service-role",
        "it passes every row-level security policy: whoever has it reads and writes it all",
    )


def _publishable(match: re.Match[str]) -> _Kind | None:
    if is_placeholder(match[0]):
        return None
    return _Kind(
        "Supabase publishable key", Severity.INFO, "secret.anon-key",
        "it is public by design; what it may do is for row-level security to say",
    )  # fmt: skip


_LOCAL = re.compile(r"^(localhost|127\.|0\.0\.0\.0|host\.docker\.internal|\[?::1|192\.168\.|10\.)")
_RESERVED = re.compile(
    r"(^|\.)(example(\.(com|org|net))?|test|invalid|local|internal|cloud_?name)$", re.IGNORECASE
)


_SCHEME = re.compile(
    r"\b(postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqps?|mssql|sqlserver|cockroachdb"
    r"|clickhouse|cloudinary)(\+\w+)?$",
    re.IGNORECASE,
)


def _connection(match: re.Match[str]) -> _Kind | None:
    text = match.string
    scheme = _SCHEME.search(text[max(0, match.start() - 24) : match.start()])
    if scheme is None:
        return None
    password, host = match["password"], match["host"].lower()
    if is_placeholder(password) or is_placeholder(host) or _RESERVED.search(host):
        return None
    whole = scheme[0] + match[0]
    if scheme[1].lower() == "cloudinary":
        return _Kind(
            "Cloudinary address with its secret", Severity.HIGH, secret=whole,
            consequence="it uploads and deletes in its owner's account",
        )  # fmt: skip
    what = f"{scheme[1].lower()} connection string with its password"
    if _LOCAL.match(host) or "." not in host:
        if is_for_development(password):
            return None
        return _Kind(what, Severity.LOW, secret=whole, consequence=f"it opens {host}, close by")
    return _Kind(
        what, Severity.CRITICAL, secret=whole, consequence=f"it opens the database at {host}"
    )


_FIREBASE = re.compile(r"authDomain|FIREBASE|firebase|messagingSenderId|google-services")


def _google(match: re.Match[str]) -> _Kind | None:
    text = match.string
    if is_placeholder(match[0]):
        return None
    around = text[max(0, match.start() - 200) : match.end() + 200]
    if _FIREBASE.search(around):
        return _Kind(
            "Firebase web key", Severity.INFO, "secret.anon-key",
            "it is public by design; what it may do is for the security rules to say",
        )  # fmt: skip
    line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
    paid = re.search(r"gemini|genai|generative|server|vision|translate", line, re.IGNORECASE)
    return _Kind(
        "Google API key", Severity.HIGH if paid else Severity.MEDIUM,
        consequence="what it calls is billed to its owner unless it is restricted",
    )  # fmt: skip


def _github(match: re.Match[str]) -> _Kind | None:
    if not match[0].startswith("github_pat_") and not github_checksum_fits(match[0]):
        return None
    return _Kind(
        "GitHub token", Severity.HIGH, consequence="it acts as its owner there", proven=True
    )


def _private_key(match: re.Match[str]) -> _Kind | None:
    body = re.sub(r"\\n|\s", "", match["body"])
    if len(body) < 100 or is_placeholder(body[:60]):
        return None
    weight = Severity.LOW if is_for_trying(match) else Severity.CRITICAL
    return _Kind("private key", weight, consequence="it signs or decrypts as its owner")


def _resend(match: re.Match[str]) -> _Kind | None:
    text = match.string
    if "resend" not in text.lower() or is_placeholder(match[0]):
        return None
    return _Kind("Resend key", Severity.HIGH, consequence="it sends mail in its owner's name")


def _kept_in_vault(match: re.Match[str]) -> _Kind | None:
    """What a migration puts into Supabase's vault lies beside it, in the migration."""
    value = match["value"]
    if not is_random(value) or is_placeholder(value) or is_for_development(value):
        return None
    return _Kind(
        "secret of the vault",
        Severity.HIGH,
        secret=value,
        consequence="the vault keeps it, and so does everybody's copy of the repository",
    )


_CHOSEN = re.compile(r"(?=.*[A-Za-z])(?=.*\d)(?=.*[^\w\s])\S{8,}")


def _fallback(match: re.Match[str]) -> _Kind | None:
    """`process.env.SMTP_PASS || "…"`: the password of an account at somebody else's."""
    value = match["value"]
    if is_placeholder(value) or is_for_development(value):
        return None
    if not (is_random(value) or _CHOSEN.fullmatch(value)):
        return None
    what = f"password that stands in for {match['name']}"
    return _Kind(
        what, Severity.HIGH, secret=value, consequence="whoever can read the repository has it"
    )


_APP_PASSWORD = re.compile(r"([a-z]{4} ){3}[a-z]{4}|[a-z]{16}")
"""Google's, as it shows them."""


def _mailbox(match: re.Match[str]) -> _Kind | None:
    """`sender_password = "…"`: the mailbox from which a program writes."""
    value = match["value"]
    if is_placeholder(value) or is_for_development(value):
        return None
    mixed = bool(re.search(r"[a-z]", value) and re.search(r"[A-Z]", value)) and " " not in value
    if not (
        _APP_PASSWORD.fullmatch(value) or is_random(value) or _CHOSEN.fullmatch(value) or mixed
    ):
        return None
    return _Kind(
        f"password of a mailbox in {match['name']}", Severity.HIGH, secret=value,
        consequence="it reads and writes mail in its owner's name",
    )  # fmt: skip


def _shape(marker: str, pattern: str, kind: Callable[..., _Kind | None]) -> _Shape:
    return _Shape(marker, re.compile(pattern), kind)


_MONEY = "it moves money in its owner's account"
_BILLED = "what it calls is billed to its owner"
_POSES = "it signs people in with Google in the program's name"

_SHAPES = (
    _shape("eyJ", r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}", _token),
    _shape("sb_secret_", r"\bsb_secret_[\w-]{20,}", _secret_key),
    _shape("sb_publishable_", r"\bsb_publishable_[\w-]{20,}", _publishable),
    # Begins with a literal, which is what makes it fast in a history of a hundred megabytes.
    _shape(
        "://",
        r"://(?P<user>[^\s:/@'\"`<>]{0,80}):(?P<password>[^\s@'\"`<>/]{3,120})"
        r"@(?P<host>[\w.\[\]-]{1,200})",
        _connection,
    ),
    _shape("AIza", r"\bAIza[\w-]{35}(?![\w-])", _google),
    _shape("_live_", r"\b[sr]k_live_\w{16,}", _plain("Stripe live key", Severity.CRITICAL, _MONEY)),
    _shape(
        "_test_", r"\b[sr]k_test_\w{24,}",
        _plain("Stripe test key", Severity.MEDIUM, "it opens the test account"),
    ),
    _shape(
        "whsec_", r"\bwhsec_[\w+/=]{24,}",
        _plain("webhook signing secret", Severity.HIGH, "with it anybody can forge events"),
    ),
    _shape("sk-ant-", r"\bsk-ant-[\w-]{40,}", _plain("Anthropic key", Severity.HIGH, _BILLED)),
    _shape(
        "T3BlbkFJ", r"\bsk-(?:proj-|svcacct-)?[\w-]{20,}T3BlbkFJ[\w-]{20,}",
        _plain("OpenAI key", Severity.HIGH, _BILLED),
    ),
    _shape("sk-proj-", r"\bsk-proj-[\w-]{40,}", _plain("OpenAI key", Severity.HIGH, _BILLED)),
    _shape("sk-or-v1-", r"\bsk-or-v1-\w{64}", _plain("OpenRouter key", Severity.HIGH, _BILLED)),
    _shape("GOCSPX-", r"\bGOCSPX-[\w-]{28}\b", _plain("Google secret", Severity.HIGH, _POSES)),
    _shape("gsk_", r"\bgsk_[A-Za-z0-9]{40,}", _plain("Groq key", Severity.HIGH, _BILLED)),
    _shape("ghp_", r"\bghp_[A-Za-z0-9]{36}\b", _github),
    _shape("gho_", r"\bgho_[A-Za-z0-9]{36}\b", _github),
    _shape("ghs_", r"\bghs_[A-Za-z0-9]{36}\b", _github),
    _shape("github_pat_", r"\bgithub_pat_\w{60,}", _github),
    _shape("re_", r"re_(?<!\wre_)[A-Za-z0-9]{8,}_[A-Za-z0-9]{16,}\b", _resend),
    _shape(
        "SG.", r"\bSG\.[\w-]{20,24}\.[\w-]{39,50}",
        _plain("SendGrid key", Severity.HIGH, "it sends mail in its owner's name"),
    ),
    _shape(
        "APP_USR-", r"\bAPP_USR-\d{12,20}-\d{6}-[0-9a-f]{32}-\d{5,12}\b",
        _plain("Mercado Pago access token", Severity.CRITICAL, _MONEY),
    ),
    _shape(
        ":AA", r"\b\d{8,10}:AA[\w-]{33}\b",
        _plain("Telegram bot token", Severity.HIGH, "it speaks and reads as the bot"),
    ),
    _shape(
        "vault.",
        r"\bvault\.(?:create|update)_secret\(\s*(?:\([^()]{0,300}\)\s*,\s*|'[0-9a-f-]{36}'\s*,\s*)?"
        r"'(?P<value>[^'\n]{16,200})'",
        _kept_in_vault,
    ),
    *(
        _shape(
            f"{name} {either} {quote}",
            rf"\b(?P<name>[A-Z][A-Z_]*{name}) {re.escape(either)} {quote}"
            rf"(?P<value>[^'\"\s]{{8,80}}){quote}",
            _fallback,
        )
        for name in ("_PASS", "_PASSWORD")
        for either in ("||", "??")
        for quote in ("'", '"')
    ),
    *(
        _shape(
            marker,
            rf"\b(?P<name>(?:smtp|sender|e?mail|gmail|from|app)_(?:app_)?{word}|"
            rf"(?:SMTP|SENDER|E?MAIL|GMAIL|EMAIL_HOST)_(?:APP_)?{word.upper()})"
            r"[\"']?\]?\s*=\s*[\"'](?P<value>[^\"'\n]{8,60})[\"']",
            _mailbox,
        )
        for word in ("password", "pass")
        for marker in (f"_{word} = ", f"_{word.upper()}")
    ),
    _shape(
        "-----BEGIN",
        r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?P<body>[\w+/=\s\\:,.]{40,8000})-----END",
        _private_key,
    ),
)  # fmt: skip

MARKERS = tuple(shape.marker.encode() for shape in _SHAPES)
"""A text without any of these holds nothing of a shape of its own."""
