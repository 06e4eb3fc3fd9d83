"""The search itself: the tree, every commit, and the scanner's matches beside our own shapes."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from ...engine import regex as re
from ...engine.finding import NotLooked, Severity
from ...engine.guard import Looked
from ...engine.tree import Tree, git
from ...gate import NotChecked, program
from ..filenames import is_test
from . import environment, findings
from .assignments import for_trying, named_secrets
from .fallbacks import fallbacks
from .history import History, NoHistory, added_in, open_history, text_of, texts
from .keystores import keystores
from .places import is_settings_file, worth_reading
from .scanner import Match, scan
from .shapes import MARKERS, Sighting, sightings
from .values import is_placeholder, within_data
from .worthwhile import is_worth_starting

_RULES = ("secret.committed", "secret.in-history", "secret.service-role")
# What our own shapes judge better, and what is a guess by name.
OURS = (
    "jwt", "connection-string", "generic", "private-key", "gcp-api-key", "github", "supabase",
    "curl-auth",
)  # fmt: skip
_PUBLIC = ("phc_", "pk_live_", "pk_test_", "pk.eyJ")
_OF_A_PLACE = re.compile(r"app[A-Za-z0-9]{14}")
"""The id of an Airtable base, which opens nothing without a token."""
_CONTROL = {"aws-access-token", "stripe-access-token", "alibaba-secret-key", "gcp-service-account"}


def look(tree: Tree) -> Looked:
    """Look for secrets in the files and in the history."""
    missing: list[NotLooked] = []
    history = _opened(tree, missing)
    with _scanning(tree, history) as scanned:
        seen = _in_files(tree)
        past = [] if history is None else list(_in_commits(history))
        matches, failed = scanned()
    missing += failed
    seen += _matched_in_files(tree, matches, seen)
    seen = [_of_sandbox(tree, one) for one in seen]
    found = findings.in_tree(seen)
    worst: dict[str, Severity] = {}
    for one in seen:
        worst[one.path] = max(one.weight, worst.get(one.path, Severity.INFO))
    found += environment.committed(tree, worst)
    found += environment.example_missing(tree)
    found += keystores(tree)
    if history is not None:
        past += _matched_in_commits(history, matches, past)
        present = {one.secret for one in seen}
        gone = [(blob, one) for blob, one in past if one.secret not in present]
        found += findings.in_history(gone, added_in(history, (blob for blob, _ in gone)))
    # A check must not pass for want of its tool; what our own shapes found is told all the same.
    broken = {"broken": failed[0].why} if failed else {}
    return Looked(found, missing, broken)


def _opened(tree: Tree, missing: list[NotLooked]) -> History | None:
    if tree.selected is not None:
        return None  # asked about what is staged: no commit has that yet
    try:
        history = open_history(tree.root, [entry.path for entry in tree.left if entry.path])
    except NoHistory as reason:
        missing.append(NotLooked("the history", str(reason), ("secret.in-history",)))
        return None
    if history.shallow:
        why = "a shallow clone: older commits are not here"
        missing.append(NotLooked("the whole history", why, ("secret.in-history",)))
    if history.left:
        why = f"{history.left} of its files are too big, too many or not in this clone"
        missing.append(NotLooked("a part of the history", why, ("secret.in-history",)))
    return history


_Scanned = tuple[list[Match], list[NotLooked]]


@contextmanager
def _scanning(tree: Tree, history: History | None) -> Iterator[Callable[[], _Scanned]]:
    """The scanner is a process of its own: it works while we read. Gives what waits for it."""
    if tree.selected is not None and _is_there() and not is_worth_starting(_texts(tree)):
        yield lambda: ([], [])
        return
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - as long as ten files take

    with ThreadPoolExecutor(1) as aside:
        yield aside.submit(_scanned, tree, history).result


def _is_there() -> bool:
    """Missing, it is missed, whatever there is to scan."""
    try:
        return bool(program("kingfisher"))
    except NotChecked:
        return False


def _scanned(tree: Tree, history: History | None) -> _Scanned:
    try:
        return scan(tree.root, history.folder if history else None), []
    except NotChecked as reason:
        return [], [NotLooked("the shapes of other providers", str(reason), _RULES)]


def _texts(tree: Tree) -> Iterator[str | None]:
    """Of the files in which a match would be told."""
    return (tree.text(path) for path in tree.files if worth_reading(path) and not is_test(path))


def _in_files(tree: Tree) -> list[Sighting]:
    ignored = _ignored(tree)
    seen: list[Sighting] = []
    for path in tree.files:
        if path not in ignored and worth_reading(path) and (text := tree.text(path)):
            seen += _in_text(path, text)
    return seen


def _matched_in_files(
    tree: Tree, matches: Iterable[Match], seen: Iterable[Sighting]
) -> list[Sighting]:
    ignored = _ignored(tree)
    taken = {(one.path, one.line) for one in seen}
    return [
        one
        for match in matches
        if match.path in tree.present and match.path not in ignored and worth_reading(match.path)
        if (match.path, match.line) not in taken
        for one in _from_match(match, match.path)
        if not _is_data(match, tree.text(match.path) or "")
    ]


def _is_data(match: Match, text: str) -> bool:
    at = text.find(match.secret)
    return at >= 0 and within_data(text, at, at + len(match.secret))


def _of_sandbox(tree: Tree, one: Sighting) -> Sighting:
    """A key beside a setting that says `sandbox` opens no account with money in it."""
    if one.weight < Severity.HIGH or not is_settings_file(one.path):
        return one
    text = tree.text(one.path) or ""
    named = re.match(r"[\s\"']*(?:export\s+)?(\w+)", text.splitlines()[one.line - 1])
    tried = named is not None and for_trying(named[1], text) and one.rule != "secret.in-bundle"
    return replace(one, weight=Severity.MEDIUM) if tried else one


def _ignored(tree: Tree) -> frozenset[str]:
    """Files that git would not take: what is in them was not given away."""
    if tree.tracked is None:
        ignores = tree.text(".gitignore") or ""
        if ".env" not in ignores:
            return frozenset()
        return frozenset(path for path in tree.files if path.rpartition("/")[2] == ".env")
    listed = git(tree.root, "ls-files", "-z", "--others", "--ignored", "--exclude-standard")
    return frozenset(os.fsdecode(name) for name in (listed or b"").split(b"\0") if name)


def _in_text(path: str, text: str) -> Iterator[Sighting]:
    shown = list(_fitting(path, sightings(path, text)))
    yield from shown
    if not is_test(path):
        taken = {one.line for one in shown}
        yield from (one for one in fallbacks(path, text) if one.line not in taken)
    if is_settings_file(path) and not is_test(path):
        lines = {one.line for one in shown}
        yield from (one for one in named_secrets(path, text) if one.line not in lines)


def _fitting(path: str, seen: Iterable[Sighting]) -> Iterator[Sighting]:
    """Tests need credentials that open nothing; only what proves to be real counts there."""
    for one in seen:
        if not is_test(path) or (one.proven and one.weight > Severity.INFO):
            yield one


_FOR_TRYING = re.compile(r"[_-](?:TEST|SANDBOX)[_-]|^\w{2,4}_test_")
"""A key of the provider's sandbox moves no money."""


def _from_match(match: Match, path: str) -> Iterator[Sighting]:
    if any(name in match.rule for name in OURS) or match.confidence == "low":
        return
    if is_placeholder(match.secret) or is_test(path) or match.secret.startswith(_PUBLIC):
        return
    if _OF_A_PLACE.fullmatch(match.secret):
        return
    weight = Severity.CRITICAL if match.rule in _CONTROL else Severity.HIGH
    if _FOR_TRYING.search(match.secret):
        weight = Severity.LOW if "public" in match.rule else Severity.MEDIUM
    what = match.rule.replace("-", " ")
    yield Sighting(match.secret, what, weight, path, match.line)


def _in_commits(history: History) -> Iterator[tuple[str, Sighting]]:
    for blob, content in texts(history):
        path = history.paths[blob]
        if b"\0" in content[:8192] or not (
            is_settings_file(path) or any(marker in content for marker in MARKERS)
        ):
            continue
        for one in _in_text(path, content.decode("utf-8", errors="replace")):
            if one.weight >= Severity.MEDIUM and not is_placeholder(one.secret):
                yield blob, one


def _matched_in_commits(
    history: History, matches: Iterable[Match], past: Iterable[tuple[str, Sighting]]
) -> list[tuple[str, Sighting]]:
    taken = {(blob, one.line) for blob, one in past}
    return [
        (match.blob, one)
        for match in matches
        if match.blob in history.paths and (match.blob, match.line) not in taken
        for one in _from_match(match, history.paths[match.blob])
        if not _is_data(match, text_of(history, match.blob))
    ]
