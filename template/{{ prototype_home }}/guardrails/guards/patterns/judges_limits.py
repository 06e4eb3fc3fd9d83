"""Judges of limits that a plan sets: who keeps them."""

from ...engine import regex as re
from ...engine.finding import Severity
from .case import Case, Judge

_ALLOWANCE = re.compile(
    r"\buse[A-Z]\w*(?:Limits?|Quota|Usage|Plan|Subscription|Tier|Allowance|Entitlements?|Access)\w*\("
)
_ENDS = re.compile(r"\b(?:return|throw)\b")
_ADDED = re.compile(r"\.from\(\s*[\"'`](\w+)[\"'`]\s*(?:as\s+\w+\s*)?\)\s*\.(?:insert|upsert)\(")
_NAMED = re.compile(r"[A-Za-z_$][\w$]*")


def limit_in_browser(case: Case) -> Case | None:
    """`if (!canPost) return` before a row is added: whoever adds it without the page may."""
    source = case.source
    if not _ENDS.search(case.match.text) or not _told_by_a_hook(case):
        return None
    added = _ADDED.search(case.below)
    if added is None or not _only_there(case, added[1]):
        return None
    return None if source.is_server else case.but(severity=Severity.MEDIUM, TABLE=added[1])


def _told_by_a_hook(case: Case) -> bool:
    """Whether what is asked was told by what knows the plan."""
    text = case.source.text
    for name in set(_NAMED.findall(case.name("ASKED"))):
        known = re.escape(name)
        taken = re.search(rf"\{{[^{{}}]*\b{known}\b[^{{}}]*\}}\s*=\s*([^;\n]+)", text)
        bound = re.search(rf"\b(?:const|let)\s+{known}\s*=\s*([^;\n]+)", text)
        for value in (one[1] for one in (taken, bound) if one):
            root = _NAMED.match(value)
            held = rf"\b{re.escape(root[0])}\b[^;\n]*=\s*(?=[^;\n]*\buse)([^;\n]+)" if root else ""
            above = re.search(held, text) if held else None
            if _ALLOWANCE.search(value) or (above and _ALLOWANCE.search(above[1])):
                return True
    return False


def _only_there(case: Case, table: str) -> bool:
    """Whether the database, which is in the tree, counts nothing when a row comes in."""
    tree = case.source.tree
    texts = [tree.text(path) or "" for path in tree.ending(".sql")]
    about = [text for text in texts if re.search(rf"\b{table}\b", text)]
    kept = re.compile(
        rf"\btrigger\b[^;]*\binsert\b[^;]*\bon\s+(?:\"?public\"?\.)?\"?{table}\b"
        rf"|\bpolicy\b[^;]*\bon\s+(?:\"?public\"?\.)?\"?{table}\b[^;]*\b(?:count\(|limit|quota|can_|plan)",
        re.IGNORECASE,
    )
    return bool(about) and not any(kept.search(text) for text in about)


JUDGES: dict[str, Judge] = {"limit-in-browser": limit_in_browser}
