"""Keys that a compose file has for whoever sets none."""

import posixpath
from collections.abc import Iterator, Sequence

from ...engine import regex as re
from ...engine.finding import Finding, Place, Severity
from ...engine.tree import Tree

_COMPOSE = re.compile(r"(?:docker-)?compose(?:\.[\w-]+)*\.ya?ml$")
_FALLS_BACK = re.compile(
    r"\$\{((?:\w+_)?(?:JWT|AUTH|SESSION|COOKIE|TOKEN|NEXTAUTH|ACCESS|REFRESH)_?\w*(?:SECRET|KEY)\w*|SECRET_KEY)"
    r":?-([^}\s]{4,})\}"
)
_AT_HOME = re.compile(r"\.(?:dev|local|test|override)\b|test", re.IGNORECASE)


def composed(tree: Tree, _files: Sequence[str], _findings: Sequence[Finding]) -> Iterator[Finding]:
    """`${JWT_SECRET:-change-me}`: whoever starts it without a key signs with what all can read."""
    for path in tree.files:
        name = posixpath.basename(path)
        if not _COMPOSE.fullmatch(name) or _AT_HOME.search(name):
            continue
        for number, line in enumerate((tree.text(path) or "").splitlines(), 1):
            found = _FALLS_BACK.search(line.partition("#")[0])
            if found:
                yield Finding(
                    "auth.default-secret",
                    Place(path, number, number, line.strip()[:200], found[1]),
                    f"`{found[1]}` falls back to a text that stands in the compose file",
                    severity=Severity.HIGH,
                )
