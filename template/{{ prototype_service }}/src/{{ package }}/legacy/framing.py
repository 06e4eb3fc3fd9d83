"""Refuses requests that this server and the prototype's could read differently.

Smuggling (CWE-444) needs two servers that disagree on where a message ends, a bypass of the gate
two that disagree on what a path names. What is ambiguous is refused here, not mended.
"""

import re
from typing import Final

from starlette.types import Scope

from ..platform.problems import BadRequest, Problem

_METHODS_REFUSED: Final = frozenset({"CONNECT", "TRACE"})
# Visible ASCII without the backslash, which browsers and some servers take for a slash.
_PATH: Final = re.compile(rb"/[!-\[\]-~]*")
_QUERY: Final = re.compile(rb"[!-~\x80-\xff]*")
# A dot segment (RFC 3986, 5.2.4), plain or encoded, also before a ";" as servlets cut it off.
_DOT_SEGMENT: Final = re.compile(
    rb"(?:/|\\|%2f|%5c)(?:\.|%2e){1,2}(?:/|\\|;|%2f|%5c|%3b|$)", re.IGNORECASE
)
_CONTROL: Final = re.compile(rb"%[01][0-9a-f]|%7f", re.IGNORECASE)
_AUTHORITY: Final = re.compile(rb"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?", re.ASCII)
_LENGTH: Final = re.compile(rb"[0-9]{1,15}")


class NotImplementedHere(Problem):
    status = 501
    default_code = "not-implemented"


def refuse_ambiguous(scope: Scope) -> None:
    """Raise for a request that is not to be passed on.

    Raises:
        BadRequest: its target, its framing or its Host is not as RFC 9112 wants it.
        NotImplementedHere: its method or transfer coding is none that is passed on.
    """
    if scope.get("method") in _METHODS_REFUSED:
        raise NotImplementedHere("This method is not passed on.", code="method-refused")
    _refuse_target(scope["raw_path"], scope["query_string"])
    lengths: list[bytes] = []
    codings: list[bytes] = []
    hosts: list[bytes] = []
    for name, value in scope["headers"]:
        if name == b"host":
            hosts.append(value)
        elif name == b"content-length":
            lengths.append(value)
        elif name == b"transfer-encoding":
            codings.append(value)
    # RFC 9112, 3.2: exactly one, or the answer is 400.
    if len(hosts) != 1 or not _AUTHORITY.fullmatch(hosts[0]):
        raise BadRequest("Exactly one valid Host is needed.", code="host")
    if lengths or codings:
        _refuse_framing(scope, lengths, codings)


def _refuse_target(raw_path: bytes, query: bytes) -> None:
    if not _PATH.fullmatch(raw_path) or not _QUERY.fullmatch(query):
        # Also the asterisk form, and "@host", which would turn the upstream into user and host.
        raise BadRequest("The path is not one that is passed on.", code="target")
    if (b"." in raw_path or b"%" in raw_path) and (
        _DOT_SEGMENT.search(raw_path) or _CONTROL.search(raw_path)
    ):
        raise BadRequest("The path has dot segments or control characters.", code="target")


def _refuse_framing(scope: Scope, lengths: list[bytes], codings: list[bytes]) -> None:
    """RFC 9112, 6.1 and 6.3: one way to tell the length, and told once."""
    if codings:
        if lengths or scope["http_version"] == "1.0":
            raise BadRequest("The length of the body is told in two ways.", code="framing")
        if len(codings) != 1 or codings[0].strip().lower() != b"chunked":
            raise NotImplementedHere("Only chunked is understood.", code="transfer-coding")
    elif len(lengths) != 1 or not _LENGTH.fullmatch(lengths[0]):
        raise BadRequest("The length of the body is told twice or is no number.", code="framing")


def announced_length(scope: Scope) -> int | None:
    """How long the body is; None when only its end will tell."""
    length = 0
    for name, value in scope["headers"]:
        if name == b"content-length":
            length = int(value)
        elif name == b"transfer-encoding":
            return None
    return length
