"""The gate `secrets`: no credential in the tree, nor anywhere in the history of it.

A credential that was committed and has been revoked stays in the history;
`guardrails/revoked.txt` lists those.
"""

import argparse
import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from . import kingfisher
from .gate import Finding, NotChecked, report, run

REVOKED = Path("guardrails/revoked.txt")

_PATHS_A_RUN = 500


@dataclass(frozen=True)
class Leak:
    """A credential and where it stands; the credential itself is kept out of every message."""

    path: str
    line: int
    rule: str
    commit: str
    fingerprint: str

    def finding(self) -> Finding:
        if self.commit:
            return Finding(
                f"{self.path} in commit {self.commit[:12]}",
                self.line,
                f"{self.rule} in the history.",
                f"Revoke it at its provider, then add `{self.fingerprint} what and when` to "
                f"{REVOKED}.",
            )
        return Finding(
            self.path,
            self.line,
            f"{self.rule}.",
            "Move it into the environment, and revoke it if it ever left this machine. If it is "
            "no credential, end the line with `kingfisher:ignore` in a comment.",
        )


def leaks_in_tree() -> list[Leak]:
    """What the files hold that git tracks or would track."""
    listed = _listed_files().split("\0")
    paths = [name for name in dict.fromkeys(listed) if Path(name).is_file()]
    return [
        leak
        for start in range(0, len(paths), _PATHS_A_RUN)
        for leak in _scan("--git-history", "none", *paths[start : start + _PATHS_A_RUN])
    ]


def leaks_in_history() -> list[Leak]:
    """What any commit of any branch holds or held."""
    if not _is_repository():
        print("secrets: no history to look at: this is no git repository yet")
        return []
    if not _git("rev-list", "--all", "--max-count=1").strip():
        return []
    return list(_scan(_git("rev-parse", "--git-common-dir").strip()))


def leaks_in_index() -> list[Leak]:
    """What is about to be committed."""
    return [replace(leak, commit="") for leak in _scan("--staged", ".")]


def revoked() -> frozenset[str]:
    """Fingerprints of credentials that no longer open anything."""
    if not REVOKED.exists():
        return frozenset()
    lines = REVOKED.read_text(encoding="utf-8").splitlines()
    return frozenset(line.split()[0] for line in lines if line.strip() and line[0] != "#")


def _scan(*arguments: str) -> Iterator[Leak]:
    for match in kingfisher.scan(*arguments):
        digest = hashlib.sha256(f"{match.rule_id}\0{match.secret}".encode()).hexdigest()
        path = match.path.removeprefix("./")
        yield Leak(path, match.line, match.rule, match.commit, fingerprint=digest[:32])


def _listed_files() -> str:
    listing = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if _is_repository():
        return _git(*listing)
    # Before `git init` the ignore files are obeyed all the same: with an index kept elsewhere.
    with TemporaryDirectory() as elsewhere:
        _git("init", "--quiet", "--bare", elsewhere)
        return _git("--git-dir", elsewhere, "--work-tree", ".", *listing)


def _is_repository() -> bool:
    return run(["git", "rev-parse", "--git-dir"]).returncode == 0


def _git(*arguments: str) -> str:
    outcome = run(["git", *arguments])
    if outcome.returncode:
        raise NotChecked(f"git: {outcome.stderr.strip()}")
    return outcome.stdout


def main() -> int:
    """Exit status 1 for a leak, 2 when nothing could be looked at."""
    parser = argparse.ArgumentParser(prog="python -m guardrails.secrets", description=__doc__)
    parser.add_argument("--staged", action="store_true", help="look at what is staged only")
    options = parser.parse_args()
    try:
        if options.staged:
            leaks = leaks_in_index()
        else:
            leaks = leaks_in_tree()
            present = {leak.fingerprint for leak in leaks}
            accepted = present | revoked()
            leaks += [leak for leak in leaks_in_history() if leak.fingerprint not in accepted]
    except NotChecked as reason:
        print(f"secrets: NOT CHECKED: {reason}", file=sys.stderr)
        return 2
    return report("secrets", (leak.finding() for leak in leaks))


if __name__ == "__main__":
    sys.exit(main())
