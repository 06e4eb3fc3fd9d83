"""Columns that are made for what opens somebody's account elsewhere, or for whole card numbers."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from ...engine.finding import Finding, Place, Severity
from ...engine.tree import Tree
from ..filenames import is_test

_SCHEMAS = (".prisma", ".sql", ".ts", ".js", ".mjs", ".py")
_DECLARES = re.compile(
    r"\b(?:pgTable|mysqlTable|sqliteTable|Schema|Column|mapped_column)\(|models\.Model\b"
)
_PROVIDERS = (
    r"mpesa|paystack|stripe|razorpay|flutterwave|pesapal|paypal|mercado_?pago|asaas|smtp|gemini"
    r"|open_?ai|anthropic|groq|twilio|whatsapp|meta|facebook|instagram|shopify|woo_?commerce|zoho"
    r"|telegram|binance|exchange|broker|resend|sendgrid|merchant|gateway|consumer|client|wp|imap|mail"
)
_CARD = r"card_?num(?:ber)?|cvv2?|cvc2?|card_?cvv|card_?pin"
_KEY = (
    rf"(?:{_PROVIDERS})\w*?_?(?:secret_?key|secret|pass_?key|api_?key|password|pass|access_?token"
    r"|auth_?token|private_?key)"
)
_OWN_KEY = r"(?:api|app|webhook|private|wallet_private)_?(?:secret|key)|seed_?phrase|mnemonic"
_NAMED = rf"(?P<name>(?:\w*_)?(?:{_CARD})|(?:\w+_)?(?:{_KEY}|{_OWN_KEY}))"
_COLUMN = re.compile(
    # Prisma, and a column of SQL
    rf"^[ \t]*{_NAMED}\s+String\b"
    r"|^[ \t]*(?:(?:add\s+column\s+)(?:if\s+not\s+exists\s+)?)?"
    rf"[\"`]?{_NAMED.replace('name', 'sql')}[\"`]?\s+"
    r"(?:text|varchar|character\s+varying|char|nvarchar)\b"
    # Drizzle, Mongoose
    rf"|^[ \t]*{_NAMED.replace('name', 'drizzle')}\s*:\s*(?:text|varchar|char)\("
    rf"|^[ \t]*{_NAMED.replace('name', 'doc')}\s*:\s*(?:String\b|\{{\s*type\s*:\s*String\b)"
    # SQLAlchemy, Django
    rf"|^[ \t]*{_NAMED.replace('name', 'py')}\s*(?::\s*[^=\n]+)?"
    r"=\s*(?:\w+\.)?(?:Column|mapped_column)\(\s*(?:\w+\.)?(?:String|Text)"
    rf"|^[ \t]*{_NAMED.replace('name', 'dj')}\s*=\s*models\.(?:Char|Text)Field\(",
    re.IGNORECASE | re.MULTILINE,
)
_KEPT_OTHERWISE = re.compile(
    r"hash|encrypt|cipher|_enc$|masked|last_?4|last_?four|_id$|vault|public", re.IGNORECASE
)
_ENCRYPTS = re.compile(
    r"createCipher|pgp_sym_encrypt|vault\.|\bFernet\(|subtle\.encrypt|\bencrypt\w*\(|\bseal\w*\(|AES\.|KMS",
    re.IGNORECASE,
)


def plain_columns(
    tree: Tree, _files: Sequence[str], _findings: Sequence[Finding]
) -> Iterator[Finding]:
    """One fault for the cards, one for the keys, wherever the columns are declared."""
    kinds: dict[bool, dict[str, list[Place]]] = defaultdict(lambda: defaultdict(list))
    for path in tree.ending(*_SCHEMAS):
        text = "" if is_test(path) else tree.text(path) or ""
        if path.endswith((".prisma", ".sql")) or _DECLARES.search(text):
            for column, place in _columns(path, text):
                kinds[_is_card(column)][_stem(column)].append(place)
    for cards, columns in kinds.items():
        plain = {name: at for name, at in columns.items() if not _encrypted(tree, at[0].symbol)}
        places = [place for at in plain.values() for place in at]
        if places:
            yield _told(places, cards=cards)


def _told(places: list[Place], *, cards: bool) -> Finding:
    names = ", ".join(dict.fromkeys(place.symbol for place in places))
    what = "whole cards" if cards else "keys of accounts elsewhere"
    return Finding(
        "data.sensitive-plaintext",
        places[0],
        f"{what} are kept in columns of plain text ({names[:160]}), and nothing encrypts them",
        severity=Severity.HIGH if cards else Severity.MEDIUM,
        also=tuple(places[1:20]),
    )


def _columns(path: str, text: str) -> Iterator[tuple[str, Place]]:
    for found in _COLUMN.finditer(text):
        name = next(one for one in found.groups() if one)
        if _KEPT_OTHERWISE.search(name):
            continue
        at = found.start() + len(found[0]) - len(found[0].lstrip())
        line = text.count("\n", 0, at) + 1
        yield name, Place(path, line, line, found[0].strip()[:200], name)


def _is_card(column: str) -> bool:
    return re.search(_CARD, column, re.IGNORECASE) is not None


def _stem(column: str) -> str:
    """`smtpPassword` and `smtp_password` are one."""
    return column.replace("_", "").lower()


def _encrypted(tree: Tree, column: str) -> bool:
    """Whether a file that names the column encrypts something."""
    spelled = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", column).lower().split("_")
    named = re.compile("_?".join(map(re.escape, spelled)), re.IGNORECASE)
    texts = (tree.text(path) or "" for path in tree.ending(".ts", ".js", ".py", ".sql", ".tsx"))
    return any(_ENCRYPTS.search(text) and named.search(text) for text in texts)
