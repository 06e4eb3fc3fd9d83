"""What the prototype says when the guardrails are around it, and what they say themselves."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .asking import NO_PACKAGES, Asking, Progress, venv_of
from .before import Subject
from .commands import AppChecks
from .fitted import check_guardrails, check_service, check_shared
from .model import State, Verification
from .own import step_name
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
    steps.append(check_shared(place, subject.tree, subject.answers))
    steps += check_service(place, copy, subject.answers, progress, wanted=consent)
    venv = venv_of(place, 0)
    smoke = Smoke(place, copy, subject.answers, venv, subject.routes, progress)
    steps += smoke.steps(wanted=consent, missing=missing_packages(checks, asked))
    return Verification(tuple(steps), asked.containment)


def missing_packages(checks: Sequence[AppChecks], asked: Verification) -> str:
    """Why the adopted app can't be started; "" if it has its packages."""
    for app in checks[:1]:
        for command in app.commands:
            step = asked.step(step_name(checks, app, command))
            if command.installs and step is not None and not step.passed:
                unknown = step.state is State.NOT_CHECKED
                return step.said.rpartition("\n")[2] if unknown else NO_PACKAGES
    return ""
