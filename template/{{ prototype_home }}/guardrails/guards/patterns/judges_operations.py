"""Judges of what is logged, swallowed and told to the caller."""

from ...engine import regex as re
from ...engine.finding import Severity
from .case import Case, Judge, last_name, words
from .judges_payments import pays_by_card

_LOGGED_SECRET = re.compile(
    r"(^| )(password|passwd|pwd|passcode|otp|cvv|cvc|secret|token|jwt|api key|private key"
    r"|secret key|"
    r"license key|licence key|access key|card number|verification code|reset code|reset link|"
    r"reset url|auth code|otp code|pin code|service role key|credentials)$"
)
_NOT_LOGGED = re.compile(
    r"^(must|should|requires?|needs|change|max|total|input|output|prompt|completion|used|has|is"
    r"|no|missing|next page|page|push|fcm|show|"
    r"csrf|expo|device|continuation|cancel|num|count)\b"
)
_LABELLED_SECRET = re.compile(
    r"(password|passcode|otp|secret|api[ _-]?key|licen[sc]e key|access token|refresh token|jwt|"
    r"verification code|reset token|cvv)\s*[:=]\s*$",
    re.IGNORECASE,
)
_CHAIN = re.compile(
    r"(?<![\w$.!])(!*)\s*([A-Za-z_$][\w$]*(?:[?!]*\.[\w$]+)*)\s*([\[(.?=!&|<>]{0,3})"
)


_GENERATOR = re.compile(r"(?i)(?:^|/)(?:gen|make|create|new)\w*?[-_]?(?:secret|key|vapid)s?\.\w+$")
"""It is run to be shown new ones."""


def logged_secret(case: Case) -> Case | None:
    """The value of a secret is written into the log; its name in a text is nothing."""
    arguments = case.match.text.partition("(")[2].rpartition(")")[0]
    masked = re.search(r"\*{3}|redact|mask", arguments, re.IGNORECASE)
    if masked or _GENERATOR.search(case.source.path):
        return None
    if (labelled := _labelled_secret(arguments)) and not _is_absent(labelled, case.above):
        return _at_its_worth(case.but(WHAT=labelled))
    for value in _values(arguments):
        for found in _CHAIN.finditer(value):
            negated, chain, after = found.groups()
            compared = re.search(r"[=!<>]=\s*$", value[: found.start()])
            hidden = re.search(rf"\.replace(?:All)?\(\s*{re.escape(chain)}\b", value)
            tested = _CHOOSES.match(value, found.end(2))
            if negated or compared or hidden or tested or after[:1] in set("(?=!&<>"):
                continue
            name = words(chain.replace("?", "").rpartition(".")[2])
            if _is_secret(name, case):
                asked = re.search(rf"(typeof|Boolean\(|!!|!)\s*{re.escape(chain)}", value)
                if asked or _is_absent(chain, case.above):
                    continue
                return _at_its_worth(case.but(WHAT=chain))
    return None


def _labelled_secret(arguments: str) -> str:
    """The name of what a text before it says is a secret: `"access token:", data`."""
    found = re.match(r"\s*[\"'`]([^\"'`$]*)[\"'`]\s*,\s*([\w$]+)\s*(,|$)", arguments)
    if not found or not _LABELLED_SECRET.search(found[1]):
        return ""
    about = re.search(
        r"error|err$|count|length|^e$|status|exists|valid|result|(?-i:^is[A-Z]|^has[A-Z])|id$",
        found[2],
        re.IGNORECASE,
    )
    return "" if about else found[2]


def _is_absent(chain: str, above: str) -> bool:
    """Whether it is logged where it, or what it was asked for, was found missing."""
    missing = rf"\bif\s*\(\s*!\s*{re.escape(chain)}[\w$?.!]*\s*\)\s*\{{?[^{{}}]*$"
    return re.search(missing, above[-300:]) is not None


def _is_secret(name: str, case: Case) -> bool:
    if name.endswith("card number") and not pays_by_card(case.source.text):
        return False
    if name == "token" and re.search(r"\bfor\s*\(\s*(?:const|let)\s+token\s+of\b", case.above):
        return False  # a word of a text
    return _LOGGED_SECRET.search(name) is not None and not _NOT_LOGGED.search(name)


_CHOOSES = re.compile(r"[\w$.\s|&!?]*?(?<!\?)\?(?![.?])[^,;]*:")
"""`key || other ? "set" : "not set"` tells that there is one."""
_NOT_IN_SERVICE = re.compile(
    r"\bif\s*\([^{};]*NODE_ENV\s*(?:!==?\s*['\"]production['\"]|===?\s*['\"](?:development|test|local)['\"])"
    r"[^{};]*\)\s*\{?[^{}]*(?:\$\{[^{}]*\}[^{}]*)*$"
)
_NO_MAILER = re.compile(
    r"\bif\s*\(\s*!\s*[\w.$]*(?:mail|smtp|transport|resend|sendgrid|twilio|client|configured)[\w.$]*"
    r"(?:\(\))?\s*\)\s*\{[^{}]*(?:\$\{[^{}]*\}[^{}]*)*$",
    re.IGNORECASE,
)
_OPENS = re.compile(
    r"bearer|jwt|getUser\(|setSession|passw|reset|sign_?in|log_?in|oauth|access_?token",
    re.IGNORECASE,
)


def _at_its_worth(case: Case) -> Case:
    """In the browser's console only its own user reads it, and so does who runs a script by hand;
    not every token opens an account.
    """
    if not case.source.is_server or case.source.is_tooling or case.source.ends_itself:
        return case.but(severity=Severity.LOW)
    if _NOT_IN_SERVICE.search(case.above[-400:]):
        return case.but(severity=Severity.LOW)
    if _NO_MAILER.search(case.above[-600:]):
        return case.but(severity=Severity.MEDIUM)  # in place of the letter, where none can be sent
    token = words(last_name(case.name("WHAT"))).split(" ")[-1:] == ["token"]
    pushes = _PUSHES.search(f"{case.source.path} {case.match.text}")
    if token and (pushes or not _OPENS.search(case.source.text)):
        return case.but(severity=Severity.MEDIUM)
    return case


_PUSHES = re.compile(r"\b(?:fcm|apns|push|expo|onesignal|device)\b", re.IGNORECASE)
"""With the address of a telephone nobody signs in."""


_TOLD_SAFELY = re.compile(
    r"[\w$.?!]+\.(?:indexOf|has|includes)\([^()]*\)"
    r"|[\w$.?!]+\.(length|slice|substring|substr|startsWith|includes|id|expires\w*)\b(\([^)]*\))?"
    r"|!!?\s*(\([^()]*\)|[\w$.?]+)|\([^()]*\)\??\.length|`[^`]*`\.length"
)


_SPELLED = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`")


def _values(arguments: str) -> list[str]:
    """What of a call's arguments is evaluated: no text of strings, no keys of objects, nothing of
    which only the length or the presence is told."""
    told = _TOLD_SAFELY.sub(" ", arguments)
    values = [_SPELLED.sub('""', it) for it in re.findall(r"\$\{([^{}]*)\}", told)]
    bare = _SPELLED.sub('""', told)
    return [*values, re.sub(r"(?<=[{,\s])[\w$]+\s*:(?!:)", "", bare)]


_CARDS = re.compile(
    r"card_?number|verification_value|\bcvv\b|\bcvc\b|security_?code", re.IGNORECASE
)


def logged_card_body(case: Case) -> Case | None:
    """The raw body is logged where bodies hold card numbers."""
    if not case.source.has(_CARDS) or not _CARDS.search(case.around):
        return None
    return raw_body(case)


_WHOLE_BODY = re.compile(r"\b(?:req|request|ctx\.request)\.body\b(?![\w.?\[])")
_BARE_NAME = re.compile(r"(?<![\w$.])([A-Za-z_$][\w$]*)\b(?!\s*[.?\[(!=&])")
_BODY_NAME = re.compile(r"captured\w*|rawBody|requestText|requestBody|responseBody")
_NO_BODY = frozenset({"error", "err", "e", "null", "undefined", "true", "false", "id"})


def raw_body(case: Case) -> Case | None:
    """A whole request body goes to the log."""
    if not case.source.is_server:
        return None
    arguments = case.match.text.partition("(")[2].rpartition(")")[0]
    for value in _values(re.sub(r"JSON\.stringify\(\s*([\w$.]+)[^)]*\)", r"\1", arguments)):
        if found := _WHOLE_BODY.search(value):
            return case.but(WHAT=found[0])
        for name in _BARE_NAME.findall(value):
            if name not in _NO_BODY and _read_from_body(case, name):
                return case.but(WHAT=name)
    return None


def _read_from_body(case: Case, name: str) -> bool:
    given = re.compile(
        rf"\b{re.escape(name)}\b\s*(?::[^=\n]+)?=\s*(?:await\s+(?:req|request)\.(?:text|json)\(|"
        r"(?:req|request)\.body\b(?!\.)|JSON\.parse\(\s*(?:rawBody|body|requestText|text))"
    )
    return bool(_BODY_NAME.fullmatch(name) or given.search(case.above))


_WRITES = re.compile(
    r"\.(insert|update|upsert|delete|post|put|rpc|create|save|charge|capture|refund)\("
    r"|method:\s*['\"](POST|PUT|DELETE)|\b(?:storage|db)\.(?:create|update|delete|save)[A-Z]\w*\("
)


def _tried(case: Case) -> str:
    return case.source.between(max(1, case.match.line - 25), case.match.line).rpartition("try")[2]


def swallowed(case: Case) -> Case | None:
    """Nothing happens in a catch; worse where something was written or paid."""
    if not case.match.end_line:
        return None
    body = _tried(case)
    if re.search(
        r"localStorage|sessionStorage|JSON\.parse|releasePointer|\.play\(|clipboard|new URL"
        r"|\.close\(|\.abort",
        body,
    ):
        return None
    return case.but(severity=Severity.MEDIUM) if _WRITES.search(body) else case


def success_after_failure(case: Case) -> Case | None:
    """The handler answers a failure with an empty list or success."""
    if not case.source.is_server:
        return None
    text = case.match.text
    if _acknowledges(case):
        return case.but(WHAT="received")
    if re.search(
        r"\bthrow\b|status\(\s*[45]|status:\s*[45]|success:\s*false|\bok:\s*false"
        r"|error\s*:|[{,]\s*warning\s*:|redirect",
        text,
    ):
        return None
    found = re.search(
        r"(?:Response\.json|res\.json|res\.send|c\.json|NextResponse\.json)\(\s*(\[\s*\]|\{\s*\}"
        r"|null|"
        r"\{\s*(?:success|ok|received)\s*:\s*true[^}]*\}|\{\s*\w+\s*:\s*\[\s*\]\s*,?\s*\})\s*\)",
        text,
    )
    if not found:
        return None
    line = case.match.line + text.count("\n", 0, found.start())
    claims = "true" in found[1] and _WRITES.search(_tried(case)) is not None
    mild = None if claims else Severity.MEDIUM  # an empty list is often the meant fallback
    return case.but(severity=mild, line=line, WHAT=found[1])


_ACKNOWLEDGED = (
    r"return\s+(?:new\s+)?(?:\w+\.)?(?:json|send|sendStatus|\w*Response)\(\s*(?:JSON\.stringify\(\s*)?"
    r"(?:\{\s*(?:received|ok|success)\s*:\s*true|200\b|['\"](?i:ok|received))"
)
_ONLY_LOGS = re.compile(
    r"catch\s*(?:\([^)]*\)\s*)?\{\s*(?:(?:const|let)\s+\w+\s*=[^;\n]+[;\n]\s*)?"
    r"(?:console\.\w+\((?:[^()]|\([^()]*\))*\);?\s*|//[^\n]*\n\s*)+\}\s*$"
)


def _acknowledges(case: Case) -> bool:
    """A webhook says that it has the event although handling it failed: it is never sent again."""
    text = case.match.text
    if not re.search(r"constructEvent|[sS]ignature", case.above):
        return False
    tried = _block_before(case.above)
    if not _WRITES.search(tried + case.source.text) or not _EVENTS.search(tried):
        return False
    if re.search(r"\bthrow\b|status\(?:?\s*[45]\d\d", text):
        return False
    goes_on = _ONLY_LOGS.match(text) and re.match(rf"\s*;?\s*{_ACKNOWLEDGED}", case.below)
    return bool(goes_on or re.search(_ACKNOWLEDGED, text))


_EVENTS = re.compile(r"\bswitch\s*\(|\bevent\w*\.(?:type|event)\b|\bevent_?[tT]ype\b")


def _block_before(above: str) -> str:
    """The block that ends where the match begins."""
    end = above.rstrip()
    depth = 0
    for at in range(len(end) - 1, -1, -1):
        depth += (end[at] == "}") - (end[at] == "{")
        if depth <= 0:
            return end[at:]
    return ""


_PAID = re.compile(r"payment|stripe|checkout|payout|wallet|billing|invoice|credit", re.IGNORECASE)
_MEANT = re.compile(
    r"non-?\s?(?:fatal|critical|blocking)|best.effort|not critical|continue anyway|optional"
    r"|(?:don'?t|do not) (?:fail|throw|block)",
    re.IGNORECASE,
)
_SETTLES = re.compile(
    r"status|paid|balance|amount|credit|subscri|plan\b|tier|premium|active|refund|payout|\.\.\."
    r"|\.update\(\s*\w+\s*\)",
    re.IGNORECASE,
)
"""What is bought or owed, not where a receipt was put."""


def ignored_write_error(case: Case) -> Case | None:
    """A write failed, that was logged, and the work goes on as if it had not."""
    if re.search(
        r"\b(return|throw|reject|continue|break|await|push|set\w+\(|toast|alert|errors?\.|status|=(?!=))",
        case.name("BODY"),
    ):
        return None
    source = case.source
    above = source.between(max(1, case.match.line - 30), case.match.line - 1).rstrip().rstrip(";")
    start = max(
        above.rfind(f"error: {case.name('ERROR')}"), above.rfind(f"{{ {case.name('ERROR')} }}")
    )
    if start < 0:
        return None
    tail = above[start:]
    written = re.search(r"\.(insert|update|upsert|delete|rpc)\(\s*[\"'`]?(\w*)", tail)
    if not written or re.search(
        r"log|audit|notif|activity|analytic|clean-?\s?up|webhooks?['\"]|processed"
        r"|rpc\(\s*['\"](?:refresh|expire|update_expired|re_?calc|re_?compute|re_?build|track"
        r"|(?:increment|bump|add)_\w*(?:sales|views?|counts?|counter|stats?|uses?|usage|downloads?|clicks?)"
        r"|(?:get|fetch|list|find|search|lookup|count|calculate|is|has|can)_)",
        tail,
        re.IGNORECASE,
    ):
        return None
    paid = _PAID.search(source.path) or (
        "webhook" in source.path.lower() and _PAID.search(f"{source.text[:3000]} {tail}")
    )
    meant = _MEANT.search(source.between(case.match.line, case.match.end_line))
    grave = paid and (written[1] != "update" or _SETTLES.search(tail))
    severity = Severity.LOW if meant else Severity.HIGH if grave and source.is_server else None
    table = re.search(r"\.from\(\s*[\"'`](\w+)|\.rpc\(\s*[\"'`](\w+)", tail)
    return case.but(severity=severity, WHAT=(table[1] or table[2]) if table else written[1])


_INTERNAL = re.compile(r"\b(\w*[eE]rr(?:or)?|e|ex|exception)\.(stack)\b")


def leaks_internals(case: Case) -> Case | None:
    """Text of an exception goes to the caller."""
    if not case.source.is_server:
        return None
    text = case.match.text
    found = re.search(
        r"\b(\w*[eE]rr(?:or)?|e|ex)(?:\s+as\s+\w+\)?)?\??\.(stack|message)\b|String\(\s*e\w*\)",
        text,
    )
    if not found or "validation" in found[0].lower() or "NODE_ENV" in text:
        return None
    if not re.search(r"\b50\d\b|status\W+(?!4\d\d)|catch", text) and "stack" not in found[0]:
        return None
    return case.but(severity=Severity.MEDIUM if _INTERNAL.search(text) else None, WHAT=found[0])


def leaks_error_object(case: Case) -> Case | None:
    """`res.json({ message, error })` in a catch: a driver's error holds statements and hosts."""
    return case if re.search(r"\b50\d\b", case.above[-200:] + case.match.text) else None


_LIMITED = re.compile(
    r"rate_?-?limit|throttl|limiter|too many|\b429\b|attempts|captcha|turnstile|lock(?:ed|out)",
    re.IGNORECASE,
)


def unlimited_credentials(case: Case) -> Case | None:
    """A log-in by password behind an address that the framework makes, tried without end."""
    text = case.source.text
    if not re.search(r"\bCredentials(?:Provider)?\(", text) or _LIMITED.search(text):
        return None
    if not re.search(r"\bcompare\w*\(|\bverify\w*\(", case.match.text):
        return None
    tree = case.source.tree
    before = [
        path for path in tree.files if re.search(r"(?:^|/)(?:middleware|proxy)\.[jt]s$", path)
    ]
    before += [path for path in tree.files if "[...nextauth]/route." in path]
    return None if any(_LIMITED.search(tree.text(path) or "") for path in before) else case


_ELSEWHERE = re.compile(
    r"[\"'`]https?://(?!localhost|127\.)|[\"'`]?(?:\$\{)?(?:process\.env\.\w+|[A-Z][A-Z0-9_]{3,})\b"
)
_MADE = re.compile(r"`\$\{|[A-Za-z_$][\w$.]*$")
_GIVES_UP = re.compile(
    r"AbortSignal|AbortController|\bsignal\b|\btimeout\b|fetchWithTimeout|p-timeout|Promise\.race"
)


def waits_for_ever(case: Case) -> Case | None:
    """A server asks another one, and no time is set after which it gives up."""
    source, url = case.source, case.name("URL").strip()
    told = case if _ELSEWHERE.match(url) else case.but(severity=Severity.LOW)
    if not source.is_server or not (told is case or _MADE.match(url)):
        return None
    options = case.name("OPTIONS").strip()
    if _GIVES_UP.search(case.around) or _GIVES_UP.search(case.above[-600:]):
        return None
    if options.isidentifier() and _GIVES_UP.search(source.definition(options, case.match.line)):
        return None
    return None if re.search(r"axios\.(?:create|defaults)", source.text) else told


JUDGES: dict[str, Judge] = {
    "waits-for-ever": waits_for_ever,
    "unlimited-credentials": unlimited_credentials,
    "logged-secret": logged_secret,
    "logged-card-body": logged_card_body,
    "raw-body": raw_body,
    "swallowed": swallowed,
    "success-after-failure": success_after_failure,
    "ignored-write-error": ignored_write_error,
    "leaks-internals": leaks_internals,
    "leaks-error-object": leaks_error_object,
}
