"""What the prototype itself says, as it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .asking import Asking, Progress
from .commands import AppChecks
from .model import Verification
from .own import own_checks
from .workplace import Workplace


@dataclass(frozen=True)
class Subject:
    """A tree, what was answered about it, and the `apps` in it besides the one of the answers.

    `routes` are paths of the prototype's that somebody may GET and that change nothing.
    """

    tree: Path
    answers: Mapping[str, Any]
    apps: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()

    @property
    def checks(self) -> Sequence[AppChecks]:
        return own_checks(
            self.tree,
            [str(self.answers.get("app", ".")), *self.apps],
            manager=str(self.answers.get("manager", "")),
            entry=str(self.answers.get("entry", "")),
        )


def verify_before(
    place: Workplace, subject: Subject, *, consent: bool, progress: Progress = lambda _: None
) -> Verification:
    """Ask what it can be asked; the tree itself is left alone."""
    copy = place.copy(subject.tree, "before")
    return Asking(place, copy, consent, progress).ask(subject.checks)
