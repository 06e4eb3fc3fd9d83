"""Accounts that SQL puts into the database, with a password that stands beside them."""

import re
from collections.abc import Iterator

from ...engine.finding import Evidence, Finding, Place, Severity
from ...engine.tree import Tree

_LONGEST = 400_000
_INSERT = re.compile(
    r"\binsert\s+(?:ignore\s+)?into\s+[\"`]?(?:\w+[\"`]?\.[\"`]?)?"
    r"(users?|accounts?|admins?|staff|employees?|members?|app_users|admin_users|profiles)[\"`]?\s*"
    r"\(([^)]*)\)\s*values\s*",
    re.IGNORECASE,
)
_PASSWORD = re.compile(
    r"^(encrypted_|hashed_)?(password|passwd|pwd)(_hash|_digest)?$", re.IGNORECASE
)
_TOLD = re.compile(
    r"^\s*(?:--|#|\*|/\*).*?\bpass(?:words?|wd)?\s*(?:(?:is|are)\s*)?[:=]\s*"
    r"[\"'`]?([^\s\"'`,;()]{6,})[\"'`]?\s*(?:\([^()\n]*\)|\))?\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_QUOTED = re.compile(
    r"--[^\n]*?\bpass(?:word|wd)?\s*(?:is\s*)?[:=]\s*([\"'`])([^\s\"'`]{4,})\1\s*$",
    re.IGNORECASE | re.MULTILINE,
)
"""`-- password: "…"` behind a hash: it is said to be one, whatever word it is."""
_PLAIN = re.compile(r"[\d!@#$%^&*_-]")
"""A word that somebody would type: a sentence that starts so has neither digits nor signs."""
_CRYPT = re.compile(r"\bcrypt\s*\(\s*'([^']{3,})'", re.IGNORECASE)
_HASH = re.compile(
    r"^(\$|argon|scrypt:|pbkdf2|\{|sha\d|[0-9a-f]{32,}$|[\w+/]{43,}=*$)", re.IGNORECASE
)
_SEEDS = re.compile(r"seed|demo|sample|fixture|test|dummy|example", re.IGNORECASE)


def look(tree: Tree) -> Iterator[Finding]:
    for path in tree.ending(".sql"):
        text = tree.text(path) or ""
        insert = next(_into_accounts(text[:_LONGEST]), None)
        if insert is None:
            continue
        at = insert.start() if _is_plain(text, insert) else _told(text, insert)
        if at is not None:
            yield Finding(
                "auth.default-credentials", Place(path, text.count("\n", 0, at) + 1),
                f"{insert[1]} gets an account whose password stands in this file.",
                evidence=Evidence.EXACT,
                severity=Severity.MEDIUM if _SEEDS.search(path) else Severity.HIGH,
            )  # fmt: skip


def _into_accounts(text: str) -> Iterator[re.Match[str]]:
    return (one for one in _INSERT.finditer(text) if _column(one) is not None)


def _column(insert: re.Match[str]) -> int | None:
    """Which of the columns is the password's."""
    names = [name.strip(' "`\n\t') for name in insert[2].split(",")]
    return next((at for at, name in enumerate(names) if _PASSWORD.match(name)), None)


def _is_plain(text: str, insert: re.Match[str]) -> bool:
    """What goes in is the password itself, or is hashed here."""
    end = text.find(";", insert.end())
    values = text[insert.end() : end if end > 0 else None]
    if _CRYPT.search(values):
        return True
    given = _first_row(values)
    at = _column(insert)
    if at is None or at >= len(given):
        return False
    value = given[at]
    word = value[1:-1] if value[:1] == value[-1:] == "'" else ""
    return len(word) > 2 and not _HASH.match(word)


def _first_row(values: str) -> list[str]:
    """The values of the first row, as they are written."""
    row, depth, quoted = [""], 0, False
    for sign in values:
        if sign == "'":
            quoted = not quoted
        if not quoted and sign in "()":
            depth += 1 if sign == "(" else -1
            if depth == 0:
                break
            if depth == 1 and sign == "(":
                continue
        if sign == "," and depth == 1 and not quoted:
            row.append("")
        elif depth:
            row[-1] += sign
    return [one.strip() for one in row]


def _told(text: str, insert: re.Match[str]) -> int | None:
    """Where a comment says the password of what is put in below it."""
    above = text[max(0, insert.start() - 2_000) : insert.end() + 2_000]
    start = max(0, insert.start() - 2_000)
    for told in _TOLD.finditer(above):
        if _PLAIN.search(told[1]) and not _HASH.match(told[1]):
            return start + told.start(1)
    quoted = _QUOTED.search(text, insert.end(), insert.end() + 2_000)
    return quoted.start(2) if quoted else None
