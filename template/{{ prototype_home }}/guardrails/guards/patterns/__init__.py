"""The guard of code patterns: ast-grep finds the shapes, judges say which of them are faults."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ...engine import regex as re
from ...engine.finding import Finding, NotLooked, Place
from ...engine.guard import Looked
from ...engine.rules import load
from ...engine.tree import Tree, read_within
from ..idle import beside_functions, idle, is_entry, quieter, settings_of
from .case import Case, Judge
from .inner import Told, innermost
from .scan import Match, Pattern, patterns_of, scanning
from .selection import select
from .source import Source
from .unused import CODE
from .wholetree import FACTS, app_of, apps_of

_META = re.compile(r"\$([A-Z][A-Z0-9_]*)")
_LONGEST = 60


def look(tree: Tree) -> Looked:
    """Raises NotChecked where ast-grep can't be run."""
    patterns = patterns_of(load())
    selection = select(tree)
    files = [p for p in selection.files if tree.selected is None or p in tree.selected]
    with scanning(tree, files, patterns) as scanned:
        judges = _judges() if files else {}
        matches = scanned()
    sources = {path: Source(tree, path) for path in {match.path for match in matches}}
    for match in matches:
        sources[match.path].matches[match.pattern].append(match)
    told = list(_told(matches, patterns, sources, judges))
    findings = _together(_once(innermost(told, patterns)))
    if tree.selected is None:
        matched = tuple(findings)
        for fact in FACTS:
            findings += fact(tree, selection.files, matched)
    findings.sort(key=lambda found: (found.place, found.rule))
    return Looked(
        quieter(findings, _unstarted(tree, findings)),
        not_looked=[*selection.not_looked(), *_hidden(tree, files)],
        facts={"patternFiles": len(files)},
    )


def _judges() -> Mapping[str, Judge]:
    """Their words are many, and take as long to read as ast-grep takes for a few files."""
    from .judging import JUDGES  # noqa: PLC0415 - while ast-grep works

    return JUDGES


def _unstarted(tree: Tree, findings: Iterable[Finding]) -> set[str]:
    """Servers that nobody starts, looked for where something is wrong with a server."""
    found = {one.place.path for one in findings}
    beside = found & beside_functions(tree) | set(_unmounted(tree, found))
    if not any(_listens(tree, path) and not is_entry(path) for path in found):
        return beside
    apps = apps_of(tree)
    servers = {path: app_of(path, apps) for path in tree.ending(*CODE) if _listens(tree, path)}
    named = {path for path in servers if _is_named_elsewhere(tree, path)}
    return beside | idle(tree, servers, named, settings_of(tree))


_TAKES_IN = re.compile(r"(?:\bfrom|\brequire\(|\bimport\(?)\s*['\"](\.[^'\"]+)['\"]")
_ROUTER = re.compile(r"\b(?:express\.)?Router\(\s*\)")


def _unmounted(tree: Tree, found: Iterable[str]) -> Iterator[str]:
    """Routers of which no file is told, beside others that the server takes in."""
    routers = [path for path in found if _ROUTER.search(tree.text(path) or "")]
    routers = [path for path in routers if not _listens(tree, path) and not is_entry(path)]
    if not routers:
        return
    texts = {path: tree.text(path) or "" for path in tree.ending(*CODE)}
    if any("readdirSync" in text and "outer" in text for text in texts.values()):
        return
    taken = {
        _stem(posixpath.normpath(posixpath.join(posixpath.dirname(path), one)))
        for path, text in texts.items()
        for one in _TAKES_IN.findall(text)
    }
    taken |= {f"{one}/index" for one in taken}
    mounted = any(_stem(path) in taken for path, text in texts.items() if _ROUTER.search(text))
    yield from (path for path in routers if mounted and _stem(path) not in taken)


def _stem(path: str) -> str:
    """Without its ending; `./auth.routes` has none, though it looks as if."""
    stem, ending = posixpath.splitext(path)
    return stem if ending in CODE else path


def _listens(tree: Tree, path: str) -> bool:
    return ".listen(" in (tree.text(path) or "")


def _is_named_elsewhere(tree: Tree, path: str) -> bool:
    """Whether another file may import it, as far as its name tells."""
    name = "/" + posixpath.splitext(posixpath.basename(path))[0]
    return any(name in (tree.text(other) or "") for other in tree.ending(*CODE) if other != path)


def _hidden(tree: Tree, files: list[str]) -> Iterator[NotLooked]:
    """ast-grep obeys comments that silence it, and the prototype may hold some."""
    for path in files:
        text = tree.text(path)
        if text is None:
            text = (read_within(tree.root, path) or b"").decode("latin-1")
        if "ast-grep-ignore" in text:
            yield NotLooked(path, "a comment of ast-grep's own kind silences places in it")


def _told(
    matches: list[Match],
    patterns: dict[str, Pattern],
    sources: dict[str, Source],
    judges: Mapping[str, Judge],
) -> Iterator[Told]:
    for match in matches:
        pattern = patterns[match.pattern]
        case = _judged(Case(match, sources[match.path]), pattern, judges)
        if case is not None:
            yield match, _finding(case, pattern)


def _once(findings: Iterable[Finding]) -> list[Finding]:
    """Whatever else says so, a line has a fault once."""
    first: dict[tuple[str, str, int], Finding] = {}
    for finding in findings:
        first.setdefault((finding.rule, finding.place.path, finding.place.line), finding)
    return list(first.values())


def _together(findings: Iterable[Finding]) -> list[Finding]:
    """The same said of several lines of one function, or of one setting, is one fault."""
    first: dict[tuple[object, ...], Finding] = {}
    for finding in findings:
        place = finding.place
        subject = finding.detail.get("subject")
        whole = subject or (place.path, place.symbol or place.line)
        key: tuple[object, ...] = (finding.rule, whole, finding.message, finding.severity)
        if finding.rule == "secret.in-bundle":
            key = (finding.rule, finding.message)  # a key is published once, wherever it is read
        known = first.get(key)
        first[key] = replace(known, also=(*known.also, place)) if known else finding
    return list(first.values())


def _judged(case: Case, pattern: Pattern, judges: Mapping[str, Judge]) -> Case | None:
    if not _where(case.source, pattern):
        return None
    verdict: Case | None = case
    for name in pattern.judges:
        verdict = judges[name](case)
        if verdict is None:
            return None
        case = verdict
    return case


def _where(source: Source, pattern: Pattern) -> bool:
    wanted = pattern.entry.get("where", "code")
    if source.is_test or (wanted != "anywhere" and source.is_tooling):
        return False
    if wanted == "browser" and source.is_page_of_server:
        return False
    return wanted not in {"server", "browser"} or source.is_server == (wanted == "server")


def _finding(case: Case, pattern: Pattern) -> Finding:
    template = str(pattern.entry.get("message", pattern.rule.title))
    match, source = case.match, case.source
    return Finding(
        rule=pattern.rule.id,
        place=Place(
            path=match.path,
            line=case.line,
            end_line=max(case.line, min(match.end_line, case.line + 5)),
            snippet=_without_secret(source.line(case.line).strip(), case.name("LITERAL"))[:200],
            symbol=source.symbol(case.line),
        ),
        message=_META.sub(lambda found: _short(case.name(found[1]) or found[0]), template),
        severity=case.severity or pattern.severity,
        detail=_subject(case, pattern),
    )


def _subject(case: Case, pattern: Pattern) -> dict[str, str]:
    """What the fault is of, where that has a name: it is one fault wherever it shows."""
    name = case.name(str(pattern.entry.get("subject", "")))
    return {"subject": name} if name else {}


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _without_secret(line: str, literal: str) -> str:
    """What a rule of passwords matched as $LITERAL is one; no report shows it."""
    secret = literal.strip("\"'`")
    return line.replace(secret, f"{secret[:2]}…") if len(secret) > 3 else line
