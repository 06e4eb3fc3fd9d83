"""Servers that lie beside the one that runs: what they would do, nobody meets as yet."""

import json
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..engine.finding import Finding, Severity
from ..engine.rules import load
from ..engine.tree import Tree

_CODE = (".js", ".ts", ".mjs", ".cjs")
_LISTENS = re.compile(r"\bapp\w*\.listen\(|\bserver\.listen\(")
_ENTRY = re.compile(r"(?:index|server|app|main|worker|start|www|api|lambda|handler|backend)$")
_SETTINGS = re.compile(
    r"(?:^|/)(?:package\.json|Dockerfile\w*|Procfile|\.replit|[\w.-]+\.(?:ya?ml|toml|sh)"
    r"|(?:vercel|netlify|nodemon|ecosystem)[\w.-]*)$"
)


def no_graver(tree: Tree, findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings; those of an idle server at most of medium severity."""
    idle = idle_servers(tree)
    for one in findings:
        yield less_grave(one) if one.place.path in idle else one


def less_grave(finding: Finding) -> Finding:
    """At most of medium severity: nobody meets it as yet."""
    grave = rank(finding) > Severity.MEDIUM
    return replace(finding, severity=Severity.MEDIUM) if grave else finding


def rank(finding: Finding) -> Severity:
    """How severe it is: as its own evidence says, else as its rule."""
    return finding.severity or load()[finding.rule].severity


_COPY = re.compile(
    r"(?:^|/)supabase/functions/[^/]+/index[-_. ]\w[\w-]*\.ts$"
    r"|(?i:[-_.](?:old|backup|bak|copy|orig|updated|deprecated)\.[jt]sx?$)"
)
"""Of a function Supabase runs `index.ts` alone."""


def idle_servers(tree: Tree) -> frozenset[str]:
    """Files that listen, beside a manifest that starts another program, and copies of files; none
    of them is named anywhere."""
    found = [path for path in tree.ending(*_CODE) if _COPY.search(path) or _by_itself(tree, path)]
    settings = [path for path in tree.files if found and _SETTINGS.search(path)]
    told = "\n".join((tree.text(path) or "")[:20_000] for path in settings)
    return frozenset(path for path in found if not _named(tree, path, told))


def _by_itself(tree: Tree, path: str) -> bool:
    stem = posixpath.splitext(posixpath.basename(path))[0]
    if _ENTRY.match(stem) or not _LISTENS.search(tree.text(path) or ""):
        return False
    beside = posixpath.join(posixpath.dirname(path), "package.json")
    try:
        manifest = json.loads(tree.text(beside) or "")
    except ValueError:
        return False
    scripts = manifest.get("scripts") if isinstance(manifest, dict) else None
    return isinstance(scripts, dict) and bool(scripts.get("start") or scripts.get("dev"))


def _named(tree: Tree, path: str, settings: str) -> bool:
    stem = re.escape(posixpath.splitext(posixpath.basename(path))[0])
    if re.search(rf"(?<![\w-]){stem}(?![\w-])", settings):
        return True
    imported = re.compile(rf"[/'\"]{stem}(?:\.[mc]?[jt]s)?['\"]")
    others = (other for other in tree.ending(*_CODE, ".tsx", ".jsx") if other != path)
    return any(imported.search(tree.text(other) or "") for other in others)
