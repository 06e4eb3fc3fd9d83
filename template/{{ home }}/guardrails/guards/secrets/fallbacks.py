"""Secrets that stand in the code for where the environment says nothing: `getenv("X", "…")`."""

from collections.abc import Iterator

from ...engine import regex as re
from ...engine.finding import Severity
from .assignments import PUBLIC_PREFIX, holds_secret, signs_sessions
from .shapes import Sighting
from .values import is_for_development, is_placeholder, is_random

_CODE = re.compile(r"\.(py|[cm]?[jt]sx?|vue|svelte)$")
_FALLBACK = re.compile(
    r"(?:(?:getenv|environ\.get|\bconfig|\benv|env\.get)\(\s*[\"'](?P<named>\w{4,60})[\"']\s*"
    r"(?:,\s*(?:default\s*=\s*)?|\)\s*(?:or|\|\||\?\?)\s*)"
    r"|process\.env\.(?P<read>\w{4,60})\s*(?:\|\||\?\?)\s*)"
    r"(?P<mark>[\"'])(?P<value>[^\"'\s]{16,200})(?P=mark)"
)
_KNOWN_TO_ALL = re.compile(
    r"firebase|google_?maps|mapbox|site_?key|sentry|posthog|client_id", re.IGNORECASE
)
"""Keys that every visitor's browser is given."""


def fallbacks(path: str, text: str) -> Iterator[Sighting]:
    """What a program runs with until somebody sets the variable is what it runs with."""
    if not _CODE.search(path) or "env" not in text:
        return
    for found in _FALLBACK.finditer(text):
        name, value = found["named"] or found["read"], found["value"]
        if not holds_secret(name) or signs_sessions(name) or PUBLIC_PREFIX.match(name):
            continue
        if _KNOWN_TO_ALL.search(name) or value.startswith(("http", "/", "AIza", "pk_")):
            continue
        if is_random(value) and not is_placeholder(value) and not is_for_development(value):
            line = text.count("\n", 0, found.start("value")) + 1
            yield Sighting(
                value, name, Severity.HIGH, path, line,
                consequence="the program runs with it until the variable is set",
            )  # fmt: skip
