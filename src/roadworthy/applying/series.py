"""The commits of an adoption: one a guardrail, in the order in which a reviewer reads them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from roadworthy.questions import ANSWERS_FILE

from .git import git
from .repository import commit

_BATCH = 500


@dataclass(frozen=True)
class Chapter:
    """A commit: what it says, and the paths (globs) that belong to it."""

    guardrail: str
    subject: str
    body: str
    paths: tuple[str, ...]


def chapters(home: str, service: str) -> Sequence[Chapter]:
    """What a path belongs to is the first that names it; the ratchet takes what none does."""
    at = "" if home == "." else f"{home}/"
    return (
        Chapter(
            "boundaries",
            "Hold the imports that are in order today",
            "",
            (f"{at}guardrails/boundaries.toml",),
        ),
        Chapter(
            "migrations",
            "Hold who may do what with the database, and propose what to mend",
            "The proposals are not part of the chain of migrations, and nothing applies them.",
            (
                f"{at}guardrails/access-matrix.lock",
                f"{at}guardrails/proposed/*",
                f"{at}ops/prototype/migrations/*",
            ),
        ),
        Chapter(
            "ratchet",
            "Refuse what is new of what is wrong",
            "What was wrong on this day is in the baseline, which may only shrink.",
            (f"{at}guardrails/*", ANSWERS_FILE, "AGENTS.md"),
        ),
        Chapter(
            "backups",
            "Say how to back up and to restore",
            "",
            (f"{service}/docs/operations/backups.md",),
        ),
        Chapter(
            "observability",
            "Log and trace what the prototype does",
            "Nothing starts it yet: ops/observability and ops/prototype say how.",
            (f"{at}ops/observability/*", f"{at}ops/prototype/*"),
        ),
        Chapter(
            "auth",
            "Put a service in front of the prototype, with a gate that reports",
            "Nobody is refused until the gate enforces. The prototype runs without it as before.",
            (f"{service}/*", f"{at}ops/*", "SECURITY.md"),
        ),
        Chapter(
            "ci",
            "Build, test and guard every change",
            "",
            (
                ".github/*",
                ".gitlab/*",
                ".gitlab-ci.yml",
                ".pre-commit-config.yaml",
                "CODEOWNERS",
                "docs/CODEOWNERS",
                "renovate.json",
                "package.json",
                "*/package.json",
            ),
        ),
        Chapter(
            "secrets",
            "Leave the values of .env out of version control",
            "The file stays where it is. What was committed stays in the history: revoke it.",
            (".gitignore", ".env", "*/.env", ".env.*", "*/.env.*"),
        ),
    )


_NOTHING_WENT = Chapter(
    "secrets", "Name what .env files are to hold, and keep new ones out of version control", "", ()
)
ORDER = ("secrets", "ratchet", "boundaries", "migrations", "auth", "observability", "backups", "ci")


def commit_series(
    clone: Path, home: str, service: str, wanted: Collection[str] = ORDER
) -> list[str]:
    """Commit everything that is new in the clone, chapter by chapter; gives the subjects.

    Where secrets are not `wanted`, the lines of .gitignore are what the tools write, and no more.
    """
    known = [it for it in chapters(home, service) if it.guardrail in {*wanted, *ORDER[1:]}]
    paths: dict[str, list[str]] = {name: [] for name in ORDER}
    for path in _changed(clone):
        paths[chapter_of(path, known).guardrail].append(path)
    done = []
    for name in ORDER:
        if paths[name]:
            chapter = next(it for it in known if it.guardrail == name)
            if name == "secrets" and all((clone / path).exists() for path in paths[name]):
                chapter = _NOTHING_WENT
            _stage(clone, paths[name])
            commit(clone, "\n\n".join(filter(None, (chapter.subject, chapter.body))))
            done.append(chapter.subject)
    return done


def chapter_of(path: str, known: Sequence[Chapter]) -> Chapter:
    """The first that names the path, or else the ratchet's."""
    naming = (it for it in known if any(fnmatchcase(path, glob) for glob in it.paths))
    return next(naming, None) or next(it for it in known if it.guardrail == "ratchet")


def _changed(clone: Path) -> Iterator[str]:
    """New, changed and untracked, those too that the prototype's ignore files name."""
    git(clone, "reset", "--quiet")
    listed = git(clone, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all",
                 "--ignored=traditional")  # fmt: skip
    yield from (entry[3:] for entry in listed.split("\0") if entry)


def _stage(clone: Path, paths: Sequence[str]) -> None:
    for start in range(0, len(paths), _BATCH):
        git(clone, "add", "--force", "--all", "--", *paths[start : start + _BATCH])
