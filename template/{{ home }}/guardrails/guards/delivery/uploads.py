"""Files that people sent to a running copy, and that git tracks with the program."""

import re
from collections.abc import Iterator

from ...engine.finding import Evidence, Finding, Place, Severity
from .project import Project

_FOLDER = re.compile(
    r"(?:^|/)(?:\w+[_-])?(?:uploads?|recordings?|user[_-]?files|attachments)(?:[_-]\w+)?/"
)
_NOBODYS = re.compile(
    r"(?:^|/)(?:node_modules|tests?|fixtures?|__tests__|site-packages|seeds?|lovable-uploads)/"
)
_SENT = re.compile(
    r"\.(?:jpe?g|png|webp|gif|heic|avif|pdf|docx?|xlsx?|csv|webm|weba|mp3|m4a|wav|ogg|mp4|mov)$",
    re.IGNORECASE,
)
_NAMED_BY_PROGRAM = re.compile(
    r"\d{10,}|[0-9a-f]{8}-[0-9a-f]{4}-|[0-9a-f]{20,}|^\d+[_-]|\d{8}[_-]\d{6}"
    r"|\d{1,2}-[A-Z][a-z]{2}-\d{4}",
    re.IGNORECASE,
)
_PAPERS = re.compile(
    r"\.(?:pdf|docx?|xlsx?|csv|webm|weba|mp3|m4a|wav|ogg)$"
    r"|health|medical|report|kyc|identity|licen[cs]e|passport|prescription|resume|document|proof"
    r"|receipt|contract|aadha",
    re.IGNORECASE,
)
_FACES = re.compile(r"avatar|profile|selfie|face|photo", re.IGNORECASE)
_GRAVE = {Severity.HIGH: "papers and recordings", Severity.MEDIUM: "pictures of people"}
_MOST = 30


def uploads(project: Project) -> Iterator[Finding]:
    found = [(_severity(path), path) for path in project.tracked() if _was_sent(path)]
    if not found:
        return
    worst = max(severity for severity, _ in found)
    found.sort(key=lambda one: (-one[0], one[1]))
    places = [Place(path) for _, path in found[:_MOST]]
    of_what = f", {_GRAVE[worst]} among them" if worst in _GRAVE else ""
    yield Finding(
        "repo.data-committed",
        places[0],
        f"{len(found):,} file(s) that were uploaded to a running copy are tracked{of_what}.",
        severity=worst,
        evidence=Evidence.EXACT,
        also=tuple(places[1:]),
    )


def _was_sent(path: str) -> bool:
    """By its folder, its kind, and a name that a program made up: an icon has a word for one."""
    if not _SENT.search(path) or not _FOLDER.search(path) or _NOBODYS.search(path):
        return False
    return _NAMED_BY_PROGRAM.search(path.rpartition("/")[2]) is not None


def _severity(path: str) -> Severity:
    if _PAPERS.search(path):
        return Severity.HIGH
    return Severity.MEDIUM if _FACES.search(path) else Severity.LOW
