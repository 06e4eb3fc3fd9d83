"""One GET, as plain as it can be: nothing is followed, decoded or kept."""

import http.client
from dataclasses import dataclass
from urllib.parse import urlsplit

_SECONDS = 30
_MOST_BYTES = 20_000_000


@dataclass(frozen=True)
class Answer:
    """A status of 0 is none, and `kind` says why."""

    status: int
    kind: str
    body: bytes


def fetch(url: str) -> Answer:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port or 80, timeout=_SECONDS
    )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("GET", path, headers={"Accept-Encoding": "identity"})
        answer = connection.getresponse()
        kind = (answer.getheader("Content-Type") or "").split(";")[0].strip().lower()
        return Answer(answer.status, kind, answer.read(_MOST_BYTES))
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, str(error) or type(error).__name__, b"")
    finally:
        connection.close()
