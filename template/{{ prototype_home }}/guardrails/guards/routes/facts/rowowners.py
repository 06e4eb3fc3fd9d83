"""Which tables have owners, as the policies of a Supabase project say: the service key passes by
them, and whoever uses it has to ask what they would have asked."""

import re
from collections.abc import Iterator

from ....engine.tree import Tree
from .access import Case
from .queries import stem

_MOST_FILES = 400
_POLICY = re.compile(
    r"\bcreate\s+policy\s+(?:\"[^\"]+\"|\S+)\s+on\s+(?:\"?public\"?\.)?\"?(\w+)\"?([^;]*);",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"auth\.uid\(\)\s*\)?\s*=\s*\"?\w*(?:user|owner|author|creat|profile|sender|buyer|seller|client|customer"
    r"|patient|student|member)\w*\"?|\"?\w*(?:user|owner|author|creat|profile|sender|buyer|seller|client"
    r"|customer|patient|student|member)\w*\"?\s*=\s*\(?\s*(?:select\s+)?auth\.uid\(\)",
    re.IGNORECASE,
)
_READS = re.compile(r"\bfor\s+(?:select|all)\b", re.IGNORECASE)
_TO_ALL = re.compile(
    r"\busing\s*\(+\s*(?:true|\(?\s*(?:select\s+)?auth\.(?:uid\(\)\s*\)*\s+is\s+not\s+null"
    r"|role\(\)\s*\)*\s*=))|\b(?:is_)?(?:public|published|active|visible|available)\b|\bstatus\s*=",
    re.IGNORECASE,
)
"""A row that strangers may read anyway."""


def behind_policies(cases: list[Case]) -> set[str]:
    """What the service key reaches past the policies; accounts are named to be written to."""
    served = [case for case in cases if case.service]
    return _owned(served[0].program.tree) - {"profil", "user"} if served else set()


_WRITES = re.compile(r"\bfor\s+(?:insert|update|delete|all)\b", re.IGNORECASE)
_BY_ROLE = re.compile(
    r"\b(?:has|get|is|check|user)_?(?:\w+_)?(?:role|admin|staff|manager|permission)s?\s*\("
    r"|\brole\w*\"?\s*(?:=|in\b|::)",
    re.IGNORECASE,
)


def kept_by_role(cases: list[Case]) -> set[str]:
    """Tables whose rows nobody writes without a role, as each of their policies says."""
    served = [case for case in cases if case.service]
    kept: set[str] = set()
    others: set[str] = set()
    for table, body in _policies(served[0].program.tree) if served else ():
        if _WRITES.search(body) or not re.search(r"\bfor\s+\w+", body, re.IGNORECASE):
            staff = _BY_ROLE.search(body) and not _OWN.search(body)
            (kept if staff else others).add(table)
    return kept - others


def _policies(tree: Tree) -> Iterator[tuple[str, str]]:
    for path in [one for one in tree.ending(".sql") if "migrations/" in one][:_MOST_FILES]:
        for policy in _POLICY.finditer(tree.text(path) or ""):
            yield stem(policy[1]), policy[2]


def _owned(tree: Tree) -> set[str]:
    """Tables whose rows only their owner, and who is let in by name, may read."""
    owned: set[str] = set()
    shown: set[str] = set()
    for table, body in _policies(tree):
        reads = _READS.search(body) or not re.search(r"\bfor\s+\w+", body, re.IGNORECASE)
        if reads and _TO_ALL.search(body):
            shown.add(table)
        elif reads and _OWN.search(body):
            owned.add(table)
    return owned - shown
