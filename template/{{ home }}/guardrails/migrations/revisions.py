"""The revisions on disk: two branches, each with one beginning and one end."""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError, to_tuple

from guardrails.gate import Finding

APP, PLATFORM = "app", "platform"
FOLDERS = {APP: Path("migrations/versions"), PLATFORM: Path("migrations/platform")}


@dataclass(frozen=True)
class Revisions:
    """What Alembic reads, and the files it reads them from."""

    config: Config
    directory: ScriptDirectory

    @classmethod
    def read(cls) -> "Revisions":
        config = Config("alembic.ini", stdout=io.StringIO())
        return cls(config, ScriptDirectory.from_config(config))

    def all(self) -> list[Script]:
        """Every revision, a later one before those that it follows."""
        return list(self.directory.walk_revisions())

    def of(self, label: str) -> list[Script]:
        folder = FOLDERS[label].resolve()
        return [script for script in self.all() if Path(script.path).resolve().parent == folder]

    def heads(self, label: str) -> list[Script]:
        members = self.of(label)
        followed = {revision for script in members for revision in followed_by(script)}
        return [script for script in members if script.revision not in followed]


def followed_by(script: Script) -> set[str]:
    """The revisions that come directly before it in its branch."""
    return set(to_tuple(script.down_revision, default=()))


def path_of(script: Script | None) -> str:
    if script is None:
        return "migrations"
    return Path(script.path).resolve().relative_to(Path.cwd()).as_posix()


def check_branches(revisions: Revisions) -> list[Finding]:
    """Two heads in a branch, a branch without its label, a revision that follows a stranger."""
    try:
        with warnings.catch_warnings(action="error"):
            every = {script.revision: script for script in revisions.all()}
    except (CommandError, RevisionError, UserWarning) as error:
        return [
            Finding(
                path="migrations",
                line=0,
                message=f"Alembic can't read the revisions: {error}.",
                remedy="Mend `down_revision`, `branch_labels` or the missing file.",
            )
        ]
    findings = []
    for label, folder in FOLDERS.items():
        members = {script.revision for script in revisions.of(label)}
        if members:
            findings += _check_heads(label, revisions.heads(label))
        for revision in members:
            script = every[revision]
            followed = followed_by(script)
            if not followed and label not in script.branch_labels:
                findings.append(
                    _finding(
                        script,
                        f"begins a branch that is not `{label}`.",
                        f'Set `branch_labels = ("{label}",)`, or let it follow another revision.',
                    )
                )
            for stranger in followed - members:
                findings.append(
                    _finding(
                        script,
                        f"follows {path_of(every[stranger])}, which is of the other branch.",
                        f'Write `depends_on = "{stranger}"` and let `down_revision` name the '
                        f"revision before it in {folder}.",
                    )
                )
    return findings


def _check_heads(label: str, heads: list[Script]) -> list[Finding]:
    first, *others = sorted(heads, key=lambda script: script.path)
    return [
        _finding(
            other,
            f"is a second head of the branch `{label}`, beside {path_of(first)}.",
            f"Set its `down_revision` to {first.revision!r} if no database has it yet, else run "
            f'`uv run alembic merge -m "merge" {first.revision} {other.revision}`.',
        )
        for other in others
    ]


def _finding(script: Script, message: str, remedy: str) -> Finding:
    return Finding(path=path_of(script), line=0, message=message, remedy=remedy)


class _Running(logging.Handler):
    """Remembers the revision that Alembic began last: the one that failed, if one did."""

    last: Script | None = None

    def emit(self, record: logging.LogRecord) -> None:
        step: Any = record.args[0] if isinstance(record.args, tuple) and record.args else None
        self.last = getattr(step, "revision", self.last)


@contextmanager
def watching() -> Iterator[_Running]:
    log = logging.getLogger("alembic.runtime.migration")
    handler, level = _Running(), log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield handler
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
