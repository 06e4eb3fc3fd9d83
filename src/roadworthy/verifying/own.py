"""What a prototype can be asked about itself: its own build, type check and tests, per app."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from . import node, python
from .commands import AppChecks, Command
from .model import State, Verification

_ANSWERED = ("install", "generate", "build", "types", "tests")


def own_checks(
    tree: Path, apps: Iterable[str], *, manager: str = "", entry: str = ""
) -> Sequence[AppChecks]:
    """Find them out by looking. The first app is the one that is adopted; `manager` and `entry`
    are its, where they are known better.
    """
    found = []
    for number, app in enumerate(dict.fromkeys(apps)):
        known = (manager, entry) if number == 0 else ("", "")
        if (tree / app / "package.json").is_file():
            found.append(node.checks(tree, app, known[0]))
        if python.is_app(tree / app, known[1]):
            found.append(python.checks(tree, app, *known))
    return found


def as_answer(
    checks: Sequence[AppChecks], before: Verification | None = None
) -> list[dict[str, str]]:
    """Give the answer `own_checks`, from which the jobs of CI are written.

    What failed before is left out, and with it what needs its packages: CI that is red from the
    first day is read by nobody.
    """
    answer = []
    for app in checks:
        entry = {"folder": app.folder, "language": app.language, "manager": app.manager}
        entry["version"] = app.version
        for command in app.commands:
            step = before.step(step_name(checks, app, command)) if before else None
            failed = step is not None and step.state is State.FAILED
            if failed and command.installs:
                break
            if command.name in _ANSWERED and not failed:
                entry[command.name] = step.command if step else command.told
                if command.installs and command.folder != app.folder:
                    entry["install_in"] = command.folder
        answer.append(entry)
    return answer


def step_name(checks: Sequence[AppChecks], app: AppChecks, command: Command) -> str:
    """Just the command's, where there is one app."""
    if len(checks) == 1:
        return command.name
    twins = sum(other.folder == app.folder for other in checks) > 1
    place = app.language if app.folder == "." else app.folder
    return f"{place}{f' ({app.language})' if twins and app.folder != '.' else ''}: {command.name}"
