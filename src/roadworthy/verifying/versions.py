"""Which Node a prototype asks for, and whether the one of this machine is among those."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .workplace import search_path

Version = tuple[int, int, int]
Span = tuple[Version, Version]

_LAST = 1_000_000
_ANY: Span = ((0, 0, 0), (_LAST, 0, 0))
_MAJORS = range(40, 9, -1)
_SECONDS = 20
_FILES = (".nvmrc", ".node-version")
_OURS = "guardrails"
"""The pipeline that is stamped has its version from here."""
_PART = r"(\d{1,5}|[xX*])"
_COMPARATOR = re.compile(
    rf"(>=|<=|[<>=^~])?\s*v?{_PART}(?:\.{_PART})?(?:\.{_PART})?(?:[-+][\w.-]+)?"
)
_HYPHEN = re.compile(r"\s*(\S+)\s+-\s+(\S+)\s*\Z")
_OF_ACTION = re.compile(r"^\s*(?:-\s+)?node-version:\s*([^#\n]+)", re.MULTILINE)
_OF_IMAGE = re.compile(r"^\s*(?:-\s+)?(?:image|name):\s*[\"']?node:(\d[\w.]*)", re.MULTILINE)

_SIGNS = re.compile(
    r"(?:requires?|needs?|running|supported)\b[^\n]{0,40}\bNode(?:\.?js)?\b"
    r"|\bNode(?:\.?js)?\b[^\n]{0,40}\b(?:is required|not supported|or (?:newer|higher|later))\b"
    r"|\berror\b[^\n]{0,20}\bEBADENGINE\b|The engine .node. is incompatible"
    r"|\bERR_(?:UNKNOWN_(?:BUILTIN_MODULE|FILE_EXTENSION)|REQUIRE_ESM|OSSL_EVP_UNSUPPORTED)\b"
    r"|No such built-in module|bad option: --|primordials is not defined"
    r"|Unexpected (?:token|identifier) '(?:with|assert|using)'|Invalid regular expression flags"
    r"|\b(?:WebSocket|EventSource|CustomEvent|File|navigator|crypto) is not defined"
    r"|\b(?:withResolvers|groupBy|fromAsync|toSorted|toReversed) is not a function"
)
"""What Node, its managers and packages say where it is too old or too new for what they run."""
_WARNED = re.compile(r"^.*(?:\bdeprecated\b|\bwarn(?:ing)?\b).*$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Asked:
    """A range as npm writes one, and the file that it stands in."""

    text: str
    where: str
    spans: tuple[Span, ...]

    def allows(self, version: Version) -> bool:
        return any(low <= version < high for low, high in self.spans)

    def major(self, preferred: int) -> int:
        """The one that is preferred, or the newest that it allows."""
        allowed = (it for it in (preferred, *_MAJORS) if self._has(it))
        return next(allowed, preferred)

    def _has(self, major: int) -> bool:
        return any(low < (major + 1, 0, 0) and (major, 0, 0) < high for low, high in self.spans)


def asked(tree: Path, app: str) -> Asked | None:
    """What is said nearest to the app; None where nobody says so, or not in numbers."""
    for text, file in _said(tree, app):
        if spans := _spans(text):
            return Asked(text, file.relative_to(tree).as_posix(), spans)
    return None


def unmet(wanted: Asked | None, said: str) -> str:
    """Why what said so and failed may pass where it is at home; "" if that is not the reason."""
    present = _present()
    if wanted is None or present is None or wanted.allows(present):
        return ""
    if not _SIGNS.search(_WARNED.sub("", said)):
        return ""
    here = ".".join(map(str, present))
    return f"it asks for Node {wanted.text} ({wanted.where}), and this machine has {here}"


@cache
def _present() -> Version | None:
    program = shutil.which("node", path=search_path())
    if program is None:
        return None
    try:
        ran = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"v(\d+)\.(\d+)\.(\d+)", ran.stdout)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def _said(tree: Path, app: str) -> Iterator[tuple[str, Path]]:
    for folder in dict.fromkeys((tree / app, tree)):
        for name in _FILES:
            yield _text(folder / name).strip(), folder / name
        manifest = folder / "package.json"
        for part in ("volta", "engines"):
            yield _declared(manifest, part), manifest
    for pattern, expression in (
        (".github/workflows/*.y*ml", _OF_ACTION),
        (".gitlab-ci.yml", _OF_IMAGE),
    ):
        for file in sorted(it for it in tree.glob(pattern) if it.stem != _OURS):
            yield _of_pipeline(_text(file), expression), file


def _declared(manifest: Path, part: str) -> str:
    try:
        said = json.loads(_text(manifest))[part]["node"]
    except (ValueError, KeyError, TypeError):
        return ""
    return said if isinstance(said, str) else ""


def _of_pipeline(text: str, expression: re.Pattern[str]) -> str:
    """All that one runs on: a matrix is content with any."""
    found = (re.split(r"[\[\],]", value) for value in expression.findall(text))
    versions = [it.strip().strip("\"'") for values in found for it in values]
    return " || ".join(dict.fromkeys(it for it in versions if it))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig", errors="replace")[:100_000]
    except OSError:
        return ""


def _spans(text: str) -> tuple[Span, ...]:
    """Empty for what is no range of numbers, such as `lts/*`."""
    spans = [_span(part) for part in text.split("||")] if text.strip() else []
    return tuple(span for span in spans if span) if all(spans) else ()


def _span(text: str) -> Span | None:
    """What all the comparators of a set allow."""
    if between := _HYPHEN.match(text):
        text = f">={between[1]} <={between[2]}"
    if _COMPARATOR.sub("", text).strip():
        return None
    low, high = _ANY
    for found in _COMPARATOR.finditer(text):
        given = [int(it) for it in found.groups()[1:] if it and it.isdigit()]
        first, last = _compared(found[1] or "=", given)
        low, high = max(low, first), min(high, last)
    return low, high


def _compared(operator: str, given: list[int]) -> Span:
    if not given:
        return _ANY
    floor, after = _filled(given), _next(given)
    return {
        "=": (floor, after),
        ">=": (floor, _ANY[1]),
        ">": (after, _ANY[1]),
        "<": (_ANY[0], floor),
        "<=": (_ANY[0], after),
        "^": (floor, _next(given[:1])),
        "~": (floor, _next(given[:2])),
    }[operator]


def _next(given: list[int]) -> Version:
    return _filled([*given[:-1], given[-1] + 1])


def _filled(given: list[int]) -> Version:
    major, minor, patch = [*given, 0, 0][:3]
    return major, minor, patch
