"""Files that are keys: what signs an app or opens a service, whatever their text says."""

from collections.abc import Iterator

from ...engine.finding import Evidence, Finding, Place, Severity
from ...engine.tree import Tree, read_within
from ..filenames import is_test

_ENDINGS = (".jks", ".keystore", ".p12", ".pfx")
_ELSEWHERE = b"version https://git-lfs"


def keystores(tree: Tree) -> Iterator[Finding]:
    for path in sorted(tree.tracked or ()):
        name = path.rpartition("/")[2].lower()
        if not name.endswith(_ENDINGS) or "debug" in name or is_test(path):
            continue  # the key of debug builds is the same everywhere
        content = read_within(tree.root, path)
        if content and not content.startswith(_ELSEWHERE):
            yield Finding(
                "secret.committed",
                Place(path),
                f"{name} is a store of private keys: whoever guesses its password signs with them.",
                severity=Severity.HIGH,
                evidence=Evidence.EXACT,
            )
