"""Judges of randomness, hashes and comparisons."""

from ...engine import regex as re
from ...engine.finding import Severity
from .case import Case, Judge, last_name, words
from .source import Source
from .unused import unused

_UI = re.compile(
    r"toast|sidebar|skeleton|color|colour|confetti|particle|placeholder|mock|demo", re.IGNORECASE
)
_SECRET_USE = re.compile(
    r"\b(otp|one time|token|password|passwd|passcode|secret|session|verification|reset|csrf|nonce|"
    r"salt|api key|auth code|2fa|mfa|pin code|access code|login code)\b"
)
_CODE_USE = re.compile(
    r"\b(invite|invitation|voucher|coupon|gift|referral|license|licence|activation|code|pin"
    r"|promo)\b"
)
_NO_SECRET = re.compile(
    r"\b(total|max|input|output|prompt|completion|count|estimated|design|mock|fake|random session|"
    r"token id|nft|"
    r"(verification|reset|session|token|password) "
    r"(time|speed|rate|score|count|delay|duration|progress|status|strength|step)|"
    r"(product|order|customer|item|sku|invoice|tracking|booking|reference|bar|qr|ticket) ?(code"
    r"|number|id)|color|file|sample|trend|reset (form|filters|view)|token usage|tokens)\b"
)


_HARMLESS_LINE = re.compile(
    r"setTimeout|\.sort\(|opacity|width|delay|jitter|[\"'`](?:test|fake|dummy|mock|demo)[-_ ]"
)
_NOT_IN_PRODUCTION = re.compile(
    r"===?\s*['\"]production['\"]\s*\)\s*\{?\s*(?:throw|return)\b|!==?\s*['\"]production['\"]\s*\)"
)


_THROWN = re.compile(
    r"Math\.random\(\)\s*[<>]=?\s*(?:0?\.\d|\w*(?:[rR]ate|[cC]hance|[pP]robability))"
)
"""Yes or no, by chance: nothing is made that could be guessed."""


_UNUSABLE = re.compile(r"unusable|placeholder|dummy|never used|not used", re.IGNORECASE)
"""A password that nobody logs in with."""


def weak_random(case: Case) -> Case | None:
    """Math.random() where a guess must be impossible."""
    source, line = case.source, case.match.line
    assigned, key = _assigned(case), _pair_key(source.line(line))
    if _DRAWN.fullmatch(words(key or assigned).rpartition(" ")[2]):
        return None
    assigned = f"{assigned}Id" if _OF_A_ROW.fullmatch(key) else assigned or key
    target = words(assigned if len(assigned) > 3 or assigned.lower() in {"otp", "pin"} else "")
    function = words(source.symbol(line).rpartition(".")[2])
    use = f"{target} {function}" if target else function
    if _UI.search(use) or _NO_SECRET.search(use):
        return None
    if _harmless(case) or _only_doing(target, use):
        return None
    specific = target or function
    if found := _SECRET_USE.search(use):
        # What is hashed at once, nobody ever sees.
        hashed = _HASHED_AT_ONCE.search(source.line(line)) is not None
        shown = found[1] in {"session", "reset", "salt", "nonce"} and "id" in specific.split()
        mild = hashed or shown
        mild = mild or (found[1] in _SERVERS_MATTER and not source.is_server)
        mild = mild or unused(source, line) or _UNUSABLE.search(source.line(line)) is not None
        mild = mild or _short_lived(use) or (found[1] == "password" and _told_nobody(source, line))
        return case.but(severity=Severity.MEDIUM if mild else None, USE=specific)
    if _CODE_USE.search(use):
        return case.but(severity=Severity.MEDIUM, USE=specific)
    return None


_SHORT_LIVED = re.compile(
    r"\b(otp|one time|2fa|mfa|login code|verification (code|pin)|reset (code|pin))\b"
)
_LONGER = re.compile(r"\b(token|password|passwd|secret|session|api key|salt|nonce|csrf)\b")


def _short_lived(use: str) -> bool:
    """A few digits that count for some minutes are sooner tried out than computed."""
    return _SHORT_LIVED.search(use) is not None and not _LONGER.search(use)


_KEPT = re.compile(r"\b\w*(?:hash|salt|crypt)\w*\s*\(|^\s*password\s*:", re.IGNORECASE)


def _told_nobody(source: Source, line: int) -> bool:
    """Whether it is only hashed: the account is entered another way, and nobody types it."""
    name = re.search(r"(?:const|let|var)\s+(\w+)\s*=", source.line(line))
    if name is None:
        return False
    word = re.compile(rf"\b{name[1]}\b")
    below = source.between(line + 1, source.named_block(line)[1]).split("\n")
    used = [text for text in below if word.search(text)]
    return bool(used) and all(_KEPT.search(text) for text in used)


_DRAWN = re.compile(
    r"left|right|top|bottom|x|y|z|dx|dy|delay|duration|size|width|height|length|rotation|angle|opacity"
    r"|scale|speed|radius|hue"
)
"""Where and how something is drawn, or how long: no secret, whatever page it is on."""
_OF_A_ROW = re.compile(r"_?id|key|reference")
"""It names the row, not what the row holds: `{ id: ..., code }`."""


def _only_doing(target: str, use: str) -> bool:
    """Whether only the function's name sounds like a secret, and it makes up something else."""
    found = _SECRET_USE.search(use)
    doing = found is not None and found[1] in _DOINGS
    return bool(target) and doing and not _SECRET_USE.search(target)


_ONE_OF = re.compile(
    r"(?:const|let|var)\s+\w+\s*(?::[^=]+)?=\s*([\w$.]+)\[\s*Math\.floor\(\s*Math\.random\(\)\s*\*\s*"
    r"([\w$.]+)\.length\s*\)\s*\]\s*[!;]*\s*$"
)
_LETTERS = re.compile(r"char|alpha|letter|digit|symbol|upper|lower|number|^abc|word", re.IGNORECASE)


def _harmless(case: Case) -> bool:
    source, line = case.source, case.match.line
    return bool(
        _picks(source.line(line))
        or _THROWN.search(source.line(line))
        or _HARMLESS_LINE.search(source.line(line))
        or _FALLS_BACK.search(source.between(max(1, line - 3), line) + case.above[-600:])
        or _NOT_IN_PRODUCTION.search(case.above)
    )


_HASHED_AT_ONCE = re.compile(r"\bhash\w*\([^;]*Math\.random\(", re.IGNORECASE)
_FALLS_BACK = re.compile(r"crypto\.randomUUID|getRandomValues")
_DOINGS = {"verification", "session", "reset"}
"""What a function may be about that makes up something else."""
_SERVERS_MATTER = {"token", "session", "secret", "nonce", "csrf", "salt"}
"""What a browser makes of these, a server should not believe."""


def _picks(line: str) -> bool:
    """One of several that exist already is chosen, nothing is made up."""
    found = _ONE_OF.search(line)
    return found is not None and found[1] == found[2] and not _LETTERS.search(found[1])


def _assigned(case: Case) -> str:
    """What the statement gives its value to, where one line holds many statements as well."""
    before = case.source.line(case.match.line)[: case.match.column]
    if ";" not in before:
        return case.source.assigned(case.match.line)
    found = re.findall(r"([\w$.\[\]]+)\s*(?::[^=;]+)?\+?=(?![=>])", before.rpartition(";")[2])
    return str(found[-1]) if found else ""


def _pair_key(line: str) -> str:
    found = re.search(r"([\w$]+)\s*:\s*[^:]*Math\.random", line)
    return found[1] if found else ""


_PASSWORDISH = re.compile(
    r"\b(password|passwd|pwd|m?pin|passcode|recovery code\w*|backup code\w*|otp)\b"
)
_NOT_HASHED_FOR_KEEPING = re.compile(
    r"pwnedpasswords|haveibeenpwned|gravatar|cloudinary|pbkdf2|scrypt", re.IGNORECASE
)


_COMPARED_HASHES = re.compile(
    r"\b(\w*[hH]ash\w*|\w*[dD]igest\w*)\s*[!=]==?\s*(\w*[hH]ash\w*|\w*[dD]igest\w*)|timingSafeEqual\("
)


def _only_compared(case: Case) -> bool:
    """Both sides are hashed here, and one is a setting of the server's: no hash is kept."""
    near = case.source.between(max(1, case.match.line - 12), case.match.line + 12)
    setting = re.search(r"process\.env|Deno\.env|[cC]onfig\b|[sS]ettings\b", near)
    twice = len(re.findall(r"createHash\(", near)) > 1
    return bool(setting and twice and _COMPARED_HASHES.search(near))


_OLD_ONES = re.compile(r"legacy|\bold\b|migrat|\{64\}", re.IGNORECASE)
_SLOW = re.compile(r"\b(?:bcrypt\w*|argon2\w*|scrypt\w*)\b")
"""What new passwords are kept with, while those from before still open the door."""


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
    if not found or re.search(r"token|key|secret", used) or _only_compared(case):
        return None
    if _OLD_ONES.search(case.above[-300:]) and _SLOW.search(source.text):
        return case.but(severity=Severity.LOW, WHAT=found[1])
    if re.search(r"recovery|backup|otp|pin", found[1]):
        return case.but(severity=Severity.MEDIUM, WHAT=found[1])
    return case.but(WHAT=found[1])


_BITS = re.compile(
    r"0x67452301|0x6a09e667|0xd76aa478|0x428a2f98|0x5a827999|\b0x36\b|\b0x5c\b|1732584193"
    r"|1779033703"
    r"|&\s*0x7fffffff|charCodeAt\([^)]*\)\s*\^",
    re.IGNORECASE,
)


def hand_rolled(case: Case) -> Case | None:
    """A function named like an algorithm that works on bits itself."""
    if not _BITS.search(case.match.text):
        return None
    serious = re.search(
        r"totp|2fa|mfa|hmac|password|signature|encrypt", case.source.text, re.IGNORECASE
    )
    checksum = re.search(r"md5|crc", case.name("NAME"), re.IGNORECASE)
    # A one-time code around the platform's own HMAC is a few lines of arithmetic.
    borrowed = re.search(r"\bcreateHmac\(|\bsubtle\.sign\(", case.match.text)
    mild = checksum or borrowed or not serious
    return case.but(severity=Severity.MEDIUM) if mild else case


_COMPARED = re.compile(
    r"\b(secret|token|signature|sig|hmac|digest|api ?key|otp|totp|webhook key|access code"
    r"|(?:expected|computed|calculated|generated|quote) hash)$"
)
_NOT_COMPARED = re.compile(
    r"\b(confirm|type|kind|provider|status|count|old|prev|next|current|last|cached"
    r"|csrf token name)\b"
)


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


_DECLARED = re.compile(r"\b(?:const|let|var)\s+(\w+)\s*=")


def chosen_password(case: Case) -> Case | None:
    """The schema of a password that somebody chooses; at the log-in it may be as short as it is."""
    start = case.source.offset(case.match.line, case.match.column)
    named = _DECLARED.findall(case.source.text[max(0, start - 2_000) : start])
    return None if named and re.search(r"log_?-?in|sign_?in", named[-1], re.IGNORECASE) else case


JUDGES: dict[str, Judge] = {
    "chosen-password": chosen_password,
    "weak-random": weak_random,
    "weak-hash": weak_hash,
    "hand-rolled": hand_rolled,
    "timing-compare": timing_compare,
}
