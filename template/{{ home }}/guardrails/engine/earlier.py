"""What newer guards see in code that was there before they came: no branch's fault.

A rule that has learnt something sees more in the same code. Such findings are told from those that
a change brings by looking, with the guards as they are now, at the tree as it was before them.
"""

import hashlib
import tempfile
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path

from .baseline import Baseline
from .fingerprint import Fingerprint
from .guards import FILES, HERE
from .tree import git

_LISTS = tuple(name for name in FILES if name != "guards.local.toml")
_PARTS = (":(glob)**/*.py", ":(glob)rules/*.yaml", *_LISTS)

Look = Callable[[Path], Collection[Fingerprint]]


@cache
def identity() -> str:
    """Of the guards as they are: a hash of their code and their rules."""
    files = [*HERE.rglob("*.py"), *HERE.glob("rules/*.yaml"), *map(HERE.joinpath, _LISTS)]
    told = hashlib.sha256()
    for file in sorted(file for file in files if file.is_file()):
        # A checkout on Windows has the same guards.
        content = file.read_bytes().replace(b"\r\n", b"\n")
        told.update(f"{file.relative_to(HERE).as_posix()}\0".encode() + content)
    return told.hexdigest()[:16]


def are_newer(baseline: Baseline) -> bool:
    """Whether the guards have changed since the baseline was taken."""
    return identity() not in baseline.guards


def seen_before(root: Path, merge_base: str | None, look: Look) -> frozenset[Fingerprint]:
    """What `look` finds in the last tree that other guards judged; nothing where git knows none.

    It is the commit that the branch left, or the one before the guards changed.
    """
    commit = _before(root, merge_base)
    top, prefix = (git(root, "rev-parse", what) for what in ("--show-toplevel", "--show-prefix"))
    if commit is None or top is None or prefix is None:
        return frozenset()
    with tempfile.TemporaryDirectory(prefix="guardrails-") as folder:
        tree = Path(folder, "before")
        source = top.decode().rstrip("\n")
        options = ("--quiet", "--shared", "--no-checkout", "--template=")
        cloned = git(root, "clone", *options, source, str(tree), protocol="file")
        if cloned is None or git(tree, "checkout", "--quiet", "--detach", commit) is None:
            return frozenset()
        return frozenset(look(tree / prefix.decode().rstrip("\n")))


def _before(root: Path, merge_base: str | None) -> str | None:
    if not HERE.is_relative_to(root.resolve()):
        return None
    for candidate in (merge_base, "HEAD"):
        # The exit status is all that it says, and git() keeps the output of a success only.
        if candidate and git(HERE, "diff", "--quiet", candidate, "--", *_PARTS) is None:
            return candidate if git(HERE, "cat-file", "-e", candidate) is not None else None
    changed = (git(HERE, "log", "-1", "--format=%H", "--", *_PARTS) or b"").decode().strip()
    parent = git(HERE, "rev-parse", "--verify", "--quiet", f"{changed}^") if changed else None
    return parent.decode().strip() if parent else None
