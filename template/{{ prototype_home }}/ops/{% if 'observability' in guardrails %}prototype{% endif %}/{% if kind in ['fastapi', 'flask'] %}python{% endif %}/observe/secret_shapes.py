# The service's own, word for word, for a process that can't import it. Update both.
"""What secrets and personal data look like in running text."""

import re
from typing import Final

REDACTED: Final = "[redacted]"

_MAX_TEXT: Final = 8_192
# A secret may straddle the cut: one that is shorter than this is still seen whole.
_MARGIN: Final = 1_024

_QUOTED: Final = r"""b?"(?:[^"\\]|\\.)*"?|b?'(?:[^'\\]|\\.)*'?"""
_NAMES: Final = (
    r"(?:passw(?:or)?d|passphrase|secret|token|credential|authorization"
    r"|(?:api|access|private|signing|encryption)[_ -]?key"
    r"|(?<![A-Za-z])(?:pass|pwd|jwt|otp|session|sid|cvv|cvc|ssn|iban))"
)
_PERSONAL: Final = (
    r"(?:(?:first|last|full|given|family)[_ -]?name|surname|(?<![A-Za-z])dob"
    r"|birth[_ -]?(?:date|day)|date[_ -]?of[_ -]?birth"
    r"|(?:auth|authentication|verification|recovery|backup|security)[_ -]?code)"
)
# Of these only what looks like a value, for `mobile: yes` and `pin: 3` are said of many things.
_NUMBERED: Final = (
    r"(?:(?:phone|(?<![A-Za-z])(?:tel|mobile|fax|pin))(?:[_ -]?(?:number|no|nr|code))?)"
)
_SEPARATOR: Final = r"""\\{0,4}(?:["']?\s{0,8}(?:=>|[:=])\s{0,8}|["']\s{0,8},\s{0,8}(?=b?["']))"""
_WHOLE: Final = rf"""\\+".*?(?:\\+"|\Z)|{_QUOTED}"""
_VALUE: Final = rf"""{_WHOLE}|[^\s,;&)}}\]"']+"""
_NUMBER: Final = rf"""{_WHOLE}|(?:\+|%2[bB])?\(?\d[\d ()./-]{{2,24}}\d"""
_NOT_SAID: Final = (
    r"(?:and|or|for|from|in|on|is|was|has|had|failed|succeeded|auth\w*|hash\w*|resets?|login"
    r"|policy|protection|rotation|changed?)\b"
)
_PHONE: Final = re.compile(
    r"(?<![\w.+-])(?:\+|%2[bB])(?!\d+\.\d+(?![\d.]))[1-9](?:[ ./()-]{0,3}\d){7,14}(?!\d)"
)

# In this order, for what takes most must come first: a later shape would leave a part behind.
_SHAPES: Final = tuple(
    (re.compile(shape, re.DOTALL), replacement)
    for shape, replacement in {
        # Private keys, and the age identity that opens a backup.
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----.*?"
        r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\Z)": REDACTED,
        r"AGE-SECRET-KEY-[0-9A-Za-z]{10,}": REDACTED,
        # What PostgreSQL, SQLAlchemy and pydantic quote in their messages: a row, its values.
        r"(Failing row contains )\(.*?(?:\)(?=\.|\s)|\Z)": rf"\1{REDACTED}",
        r"(Key \([^()]{1,200}\)=)\(.*?(?:\)(?= )|\Z)": rf"\1{REDACTED}",
        r"(\[parameters: ).*?(?:\](?=\s)|\Z)": rf"\1{REDACTED}]",
        r"(input_value=).*?(?=, input_type=|\Z)": rf"\1{REDACTED}",
        # A name that is itself a value: {"name": "Authorization", "value": "…"}.
        rf"(?i)((?:{_NAMES}|cookie)[\w-]{{0,32}}\\{{0,4}}[\"']\s{{0,8}},\s{{0,8}}\\{{0,4}}[\"']?"
        rf"value\\{{0,4}}[\"']?\s{{0,8}}[:=]\s{{0,8}})(?:{_VALUE})": rf"\1{REDACTED}",
        # Headers: the rest of the line, or all of what is quoted.
        r"(?i)\b((?:set-)?cookie|(?:proxy-)?authorization)"
        r"""(["']?\s{0,8}[:=]\s{0,8}|["']\s{0,8},\s{0,8})"""
        rf"""({_QUOTED}|[^\r\n"']+)""": rf"\1\2{REDACTED}",
        r"(__(?:Host|Secure)-[\w-]{1,64})=[^;\s,\"']+": rf"\1={REDACTED}",
        # user:password@ in a URL; a port alone is no password.
        r"://[^\s/?#:@\"']{0,256}:(?!\d{1,5}(?:[/?#\s\"']|\Z))[^\s\"'<>]{1,512}@": (
            f"://{REDACTED}@"
        ),
        r"://[^\s/?#@\"']{1,512}@": f"://{REDACTED}@",
        r"(?i:\b(bearer|basic|digest|negotiate))\s{1,8}(?![a-z]+\b)[\w.~+/=-]{6,}": (
            rf"\1 {REDACTED}"
        ),
        # JSON Web Tokens, signed, encrypted or neither.
        r"\beyJ[\w-]{4,}\.[\w-]{2,}(?:\.[\w-]*){0,3}": REDACTED,
        # Keys of providers, by the prefixes they publish.
        r"\b(?:[spr]k_(?:live|test)|whsec|sb_secret)_[\w+/=-]{8,}": REDACTED,
        r"\bsk-[\w-]{16,}": REDACTED,
        r"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b": REDACTED,
        r"\b(?:gh[opsur]|github_pat|npm|hf|dop_v1|shpat|shpss)_\w{16,}": REDACTED,
        r"\b(?:gl[a-z]{2,5}|pypi|xox[abeoprs])-[\w-]{10,}": REDACTED,
        r"\bAIza[\w-]{30,}": REDACTED,
        r"\bya29\.[\w-]{16,}": REDACTED,
        r"\bSG\.[\w-]{16,}\.[\w-]{16,}": REDACTED,
        r"\$(?:argon2(?:id|i|d)|2[aby]|scrypt|pbkdf2[\w-]*)\$[\w$./+=,-]{10,}": REDACTED,
        # A telling name and its value: queries, DSNs, JSON, reprs.
        rf"(?i)({_NAMES}[\w-]{{0,32}})({_SEPARATOR})(?:{_VALUE})": rf"\1\2{REDACTED}",
        rf"(?i)({_PERSONAL})({_SEPARATOR})(?:{_VALUE})": rf"\1\2{REDACTED}",
        rf"(?i)({_NUMBERED})({_SEPARATOR})(?:{_NUMBER})": rf"\1\2{REDACTED}",
        rf"(?i)(passw(?:or)?d|passphrase)( (?:is|was) )(?:{_VALUE})": rf"\1\2{REDACTED}",
        rf"(?i)(\b(?:with|using) (?:the )?(?:passw(?:or)?d|passphrase) )(?!{_NOT_SAID})"
        rf"(?:{_VALUE})": rf"\1{REDACTED}",
        rf"(?i)((?:passw(?:or)?d|passphrase) )(?:{_QUOTED})": rf"\1{REDACTED}",
        # The same in XML.
        rf"(?i)(<[\w:.-]{{0,32}}{_NAMES}[\w.-]{{0,32}}(?:\s[^<>]{{0,256}})?>)"
        r"(?:<!\[CDATA\[.*?\]\]>|[^<]+)(?=</)": rf"\1{REDACTED}",
        # Phone numbers in their international form (E.123, E.164), but no decimal with its sign.
        _PHONE.pattern: REDACTED,
        # Social security numbers of the United States, of the ranges that are given out.
        r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])": REDACTED,
        # What secrets.token_urlsafe(32) makes: every session and reset token of this service.
        r"(?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{43}(?![\w-])": REDACTED,
    }.items()
)
_NOT_LOCAL: Final = r"""\s@<>"'(),:;\[\]\\=/?&{}|%"""
_EMAIL: Final = re.compile(
    rf"([^{_NOT_LOCAL}])[^{_NOT_LOCAL}]{{0,63}}(@|%40)([\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{1,8}})"
)
_NUMBERS: Final = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,}(?![\w-])")
# Who issues account numbers, by their length (ISO 13616, the registry that SWIFT keeps).
_IBAN_LENGTHS: Final = {
    15: "NO", 16: "BE", 18: "DK FI FK FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
}  # fmt: skip
_IBAN: Final = re.compile(
    r"(?<![\w-])(?:"
    + "|".join(
        rf"(?:{countries.replace(' ', '|')})\d\d(?:[ -]?[A-Z\d]){{{length - 4}}}(?!\w)"
        for length, countries in _IBAN_LENGTHS.items()
    )
    + ")"
)
_GROUP: Final = re.compile(r"\d+")
_MOST_GROUPS: Final = 19  # the digits of the longest card, each by itself
# An issuer's first digits, so that a time in milliseconds is not taken for a card.
_CARD: Final = re.compile(r"(?:[3-6]|2[2-7])(?:[ -]?\d){12,18}")

# A text that holds none of these has none of the shapes. Most have none, and pay for this only.
_SIGNS: Final = ("@", "%40", "$")
_SEPARATORS: Final = (" ", ":", "=", ",", ">", "\n", "\t")
_NAMES_BESIDE_SEPARATORS: Final = (
    "key", "pass", "pwd", "secret", "token", "credential", "authorization", "cookie", "bearer",
    "basic", "digest", "negotiate", "session", "sid", "jwt", "otp", "cvv", "cvc", "ssn", "iban",
    "row contains", ")=(", "parameters", "input_value",
)  # fmt: skip
# Parts of many a word (a hotel, a ping): what has one is looked at once more, still in lower case.
_PARTS_OF_WORDS: Final = {
    part: re.compile(
        rf"{before}{part}(?:[_ -]?(?:number|no|nr|code|date|day))?"
        r"""\\{0,4}(?:["']?\s{0,8}[:=]|["']\s{0,8},)"""
    )
    for part, before in {
        "name": "(?:first|last|full|given|family|sur)[_ -]?",
        "code": "(?:auth|authentication|verification|recovery|backup|security)[_ -]?",
        "birth": "",
        "phone": "",
        **dict.fromkeys(("tel", "mobile", "fax", "pin", "dob"), "(?<![a-z])"),
    }.items()
}
_PREFIXES: Final = {
    "_": ("k_live_", "k_test_", "whsec_", "gh", "npm_", "hf_", "_v1_", "sh", "sb_", "__"),
    "-": ("sk-", "gl", "pypi-", "xox", "age-", "__"),
    ".": ("eyj", "ya29", "sg."),
    "a": ("akia", "asia", "abia", "acca", "aiza"),
}
_RUNS: Final = re.compile(
    r"(?<![\w-])(?:[\w-]{43}(?![\w-])|\d(?:[ -]?\d){12}|\d{3}-\d\d-\d{4}"
    r"|[A-Z]{2}\d\d(?:[ -]?[A-Z\d]){11})"
)
_SHORTEST_RUN: Final = 9

# Short texts found clean, for the same few words make up most lines. No secret is kept here.
_clean: set[str] = set()
_MOST_CLEAN: Final = 2_048
_LONGEST_CLEAN: Final = 32


def redact_text(text: str, longest: int = _MAX_TEXT) -> str:
    """The text without its secrets; of an e-mail address the first letter and the domain stay.

    What is longer than `longest` is cut: looking through it takes time, and anyone can send it.
    """
    if text in _clean:
        return text
    if len(text) > longest:
        shown = _redact(text[: longest + _MARGIN])[:longest]
        return f"{shown}… [{len(text)} characters]"
    return _redact(text)


def _redact(text: str) -> str:
    if not _may_hold_secrets(text):
        if len(text) <= _LONGEST_CLEAN:
            if len(_clean) >= _MOST_CLEAN:
                _clean.clear()
            _clean.add(text)
        return text
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    if "@" in text or "%40" in text:
        text = _EMAIL.sub(r"\1***\2\3", text)
    return _NUMBERS.sub(_without_cards, _IBAN.sub(_without_iban, text))


def _may_hold_secrets(text: str) -> bool:
    lowered = text.lower()
    holds = lowered.__contains__
    return (
        any(map(holds, _SIGNS))
        or ((holds("+") or holds("%2b")) and _PHONE.search(text) is not None)
        or (any(map(holds, _SEPARATORS)) and _names_a_secret(lowered))
        or any(holds(sign) and any(map(holds, _PREFIXES[sign])) for sign in _PREFIXES)
        or (len(text) >= _SHORTEST_RUN and _RUNS.search(text) is not None)
    )


def _names_a_secret(lowered: str) -> bool:
    return any(map(lowered.__contains__, _NAMES_BESIDE_SEPARATORS)) or any(
        part in lowered and beside.search(lowered) is not None
        for part, beside in _PARTS_OF_WORDS.items()
    )


def _without_iban(match: re.Match[str]) -> str:
    """A checksum (ISO 7064, mod 97-10) tells an account number from any other capital letters."""
    text = re.sub("[ -]", "", match.group())
    number = int("".join(str(int(sign, 36)) for sign in text[4:] + text[:4]))
    return REDACTED if number % 97 == 1 else match.group()


def _without_cards(match: re.Match[str]) -> str:
    """Without its cards, each of whole groups of digits: "3 4242…" is a number and a card."""
    text, shown, at = match.group(), "", 0
    groups = [group.span() for group in _GROUP.finditer(text)]
    for first, (start, _) in enumerate(groups):
        ends = (end for _, end in reversed(groups[first : first + _MOST_GROUPS]))
        end = next((end for end in ends if end > at and _is_card(text[start:end])), 0)
        if end and start >= at:
            shown += text[at:start] + REDACTED
        at = max(at, end)
    return shown + text[at:]


def _is_card(text: str) -> bool:
    """Luhn's checksum (ISO/IEC 7812-1) tells a card from any other long number."""
    if not _CARD.fullmatch(text):
        return False
    digits = [int(digit) for digit in text if digit.isdigit()]
    doubled = (digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
