"""Judges of what becomes of a failure that the database's client tells and does not throw."""

from ...engine import regex as re
from ...engine.finding import Severity
from .case import Case, Judge

_FROM_A_PROVIDER = re.compile(
    r"constructEvent(?:Async)?\(|(?:stripe|paypal|paystack|razorpay|svix|x-signature|verif-hash)[\w-]*"
    r"(?:signature|transmission-sig|hash|id)|\bverify\w*[sS]ignature\w*\("
)
_HOOK = re.compile(r"web-?hook|callback|\bipn\b", re.IGNORECASE)
_PAID = re.compile(
    r"stripe|paypal|paystack|razorpay|mercado|checkout|payment|invoice|subscri|billing"
)
_ASIDE = re.compile(
    r"log|audit|notif|activity|analytic|event|history|metric|message|update?s?$|actualiza",
    re.IGNORECASE,
)
_WRITTEN = re.compile(
    r"\.from\(\s*[\"'`](\w+)[\"'`]\s*\)\s*(?:as\s+any\s*\)?\s*)?\.(?:insert|update|upsert|delete)\("
)


_ALONE = re.compile(
    r"(?m)^\s*await\s+[\w.]+\s*\.from\(\s*[\"'`](\w+)[\"'`]\s*\)\s*\.(?:insert|update|upsert|delete)\("
)


def unread_write(case: Case) -> Case | None:
    """A webhook writes and never asks whether that worked: the provider hears that it did."""
    source, text = case.source, case.match.text
    if not _HOOK.search(source.path) or not _FROM_A_PROVIDER.search(source.text):
        return None
    if "supabase" not in source.text.lower():
        return None  # other clients throw
    written = _WRITTEN.search(text)
    if written is None or _ASIDE.search(written[1]) or ".throwOnError(" in text:
        return None
    into = text.partition("=")[0]
    if text.startswith("{") and re.search(r"\berror\b|\.\.\.", into):
        return None
    lines = source.between(1, case.match.line - 1) if case.match.line > 1 else ""
    if any(not _ASIDE.search(found[1]) for found in _ALONE.finditer(lines)):
        return None  # said already
    paid = _PAID.search(source.text.lower())
    return case.but(severity=Severity.HIGH if paid else Severity.MEDIUM, WHAT=written[1])


_SAID = re.compile(r"console\.|log|toast|throw|set\w*Error|capture", re.IGNORECASE)


def nothing_after_error(case: Case) -> Case | None:
    """`if (error || !data) return []`: whoever asks sees an empty list."""
    above = case.source.between(max(1, case.match.line - 12), case.match.line)
    asked = re.search(r"\{[^{}]*\berror\b[^{}]*\}\s*=\s*await\b", above)
    return case if asked and not _SAID.search(case.match.text) else None


JUDGES: dict[str, Judge] = {
    "unread-write": unread_write,
    "nothing-after-error": nothing_after_error,
}
