"""What the prototype says when the guardrails are around it, and what they say themselves."""

from dataclasses import replace
from pathlib import Path

from .asking import Asking, Progress, venv_of
from .before import Subject
from .fitted import check_guardrails, check_service
from .model import Verification
from .smoke import Smoke
from .workplace import Workplace


def verify_after(
    place: Workplace,
    subject: Subject,
    before: Path,
    *,
    consent: bool,
    progress: Progress = lambda _: None,
) -> Verification:
    """Ask the adopted tree, which is a git repository, what `before` was asked, and more.

    `before` is the tree as it was: what it had in env files is there for the build, whether or not
    they are tracked now.
    """
    copy = place.copy(subject.tree, "after", environment_of=before)
    # What was fitted has tests and packages of its own, which are not the prototype's.
    checks = replace(subject, tree=before).checks
    asked = Asking(place, copy, consent, progress).ask(checks)
    progress("guardrails")
    steps = [*asked.steps, check_guardrails(place, subject.tree, subject.answers)]
    steps += check_service(place, copy, subject.answers, progress, wanted=consent)
    venv = venv_of(place, 0)
    smoke = Smoke(place, copy, subject.answers, venv, subject.routes, progress)
    steps += smoke.steps(wanted=consent)
    return Verification(tuple(steps), asked.containment)
