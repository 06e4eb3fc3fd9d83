"""Asks a prototype what it can be asked, in a copy, with consent; what can't be asked says why."""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .commands import VENV, AppChecks, Command
from .managers import PLACE, supply_of
from .model import Containment, State, Step, Verification
from .own import step_name
from .versions import unmet
from .workplace import Ran, Terms, Workplace

Progress = Callable[[str], None]
NO_CONSENT = "it would run the prototype's own code, and nobody agreed to that"
_PUBLIC = re.compile(r"Google Fonts|fonts\.(?:googleapis|gstatic)\.com|binaries\.prisma\.sh")
"""What next/font and Prisma say when they get no answer: with a network they get one."""
_UNFOUND = re.compile(
    r"\b(?:ENOTFOUND|EAI_AGAIN)\b|dns error|Name or service not known|failure in name resolution"
)
"""What npm and uv say where they ask for a host: a builder's own is not always to be had."""
_WATCHES = re.compile(
    r"\b(?:watching|waiting) for (?:file )?changes|\bwatch (?:mode|usage)\b|\bpress [qh] to \w+"
    r"|watching [\w./]+ and|ready in \d+ ?ms|listening (?:on|at)\b|\bLocal:\s+http://",
    re.IGNORECASE,
)
_WATCHED = (
    ": it waits for changes or callers, and never ends; a check needs one that does (`vitest run`, "
    "`jest`, `vite build`)"
)
_NO_PYTHON = "No interpreter found for Python"
NO_PACKAGES = "its packages could not be installed"
_FETCHING = 180
_NOT_GENERATED = "what it imports could not be generated here"


@dataclass(frozen=True)
class Asking:
    """`consent` is to the prototype's code being run."""

    workplace: Workplace
    tree: Path
    consent: bool
    progress: Progress

    def ask(self, checks: Sequence[AppChecks]) -> Verification:
        steps: list[Step] = []
        held: list[tuple[Command, Containment]] = []
        for number, app in enumerate(checks):
            for step, ran in self._of_app(checks, app, number):
                steps.append(step)
                held += ran
        return Verification(tuple(steps), _all_of(held))

    def _of_app(
        self, checks: Sequence[AppChecks], app: AppChecks, number: int
    ) -> Iterator[tuple[Step, list[tuple[Command, Containment]]]]:
        missing = ""
        for command in app.commands:
            name = step_name(checks, app, command)
            if why := self._hindrance(command, missing):
                missing = missing or why
                yield Step(name, command.told, State.NOT_CHECKED, said=why), []
                continue
            self.progress(name)
            venv = venv_of(self.workplace, number)
            ran = self._run(command, command.argv, venv)
            step = step_of(name, command, ran)
            other = command.otherwise
            if other and not step.passed and any(sign in ran.said for sign in other.signs):
                ran = self._run(command, other.argv, venv)
                why = f"the lock file doesn't fit: {command.told} refuses it"
                step = replace(step_of(name, command, ran), command=other.told)
                step = replace(step, said=f"{step.said}\n{why}".strip())
            step = self._noted(command, _attributed(step, app, ran))
            if not step.passed and command.name in {"install", "environment"}:
                missing = NO_PACKAGES
            if step.state is State.NOT_CHECKED and command.name == "generate":
                missing = _NOT_GENERATED
            yield step, [(command, ran.containment)]

    def _hindrance(self, command: Command, missing: str) -> str:
        if command.reads:
            return ""
        if not self.consent:
            return NO_CONSENT
        if missing or command.program.startswith(VENV) or self._has(command.program):
            return missing
        return self._fetch(command.program, self.tree / command.folder)

    def _noted(self, command: Command, step: Step) -> Step:
        """Which manager it was that installed; why it failed stays the last that is said."""
        program = command.program
        found = shutil.which(program, path=self.workplace.path) if command.installs else None
        if found is None or not Path(found).is_relative_to(self.workplace.fetched):
            return step
        why = f"{program} is not on this machine, and was fetched for this"
        return replace(step, said=f"{why}\n{step.said}".strip())

    def _has(self, program: str) -> bool:
        return shutil.which(program, path=self.workplace.path) is not None

    def _fetch(self, program: str, folder: Path) -> str:
        """Why there is no such program, if it can't be had."""
        gone = f"{program} is not on this machine"
        wanted = supply_of(program, folder)
        if wanted is None or not self._has(wanted.program):
            return gone
        self.progress(f"fetching {wanted.name}")
        place = str(self.workplace.fetched)
        argv = [part.replace(PLACE, place) for part in wanted.argv]
        ran = self.workplace.run(argv, self.workplace.home, Terms(_FETCHING, network=True))
        if ran.status == 0 and self._has(program):
            return ""
        last = (ran.said.splitlines() or ["it took too long"])[-1]
        return f"{gone}, and fetching {wanted.name} failed: {last}"

    def _run(self, command: Command, argv: Sequence[str], venv: Path) -> Ran:
        argv = [part.replace(VENV, str(venv)) for part in argv]
        terms = Terms(command.seconds, network=command.installs)
        return self.workplace.run(argv, self.tree / command.folder, terms)


def venv_of(place: Workplace, number: int) -> Path:
    """Where the app of that number has its packages, once it was asked."""
    return place.scratch / f"venv-{number}"


def step_of(name: str, command: Command, ran: Ran) -> Step:
    """What became of a command."""
    state = State.PASSED if ran.status == 0 else State.FAILED
    said = ran.said
    if ran.late:
        why = _WATCHED if _WATCHES.search(said) else ""
        said = f"{said}\nstopped after {command.seconds:.0f} seconds{why}".strip()
    elif ran.status is None:
        state, said = State.NOT_CHECKED, f"{said}\nit could not be run".strip()
    elif state is State.FAILED and (why := _why_here(command, ran)):
        state, said = State.NOT_CHECKED, f"{said}\n{why}"
    return Step(name, command.told, state, ran.seconds, said)


def _why_here(command: Command, ran: Ran) -> str:
    """What this machine lacks, so that the failure says nothing of the app; "" for its own."""
    if _NO_PYTHON in ran.said:
        return "that Python is not on this machine"
    if command.installs and _UNFOUND.search(ran.said):
        return "a host that it fetches packages from was not found"
    if ran.containment.network and _PUBLIC.search(ran.said):
        return "it fetches that, and the network is cut for it"
    return ""


def _attributed(step: Step, app: AppChecks, ran: Ran) -> Step:
    """What fails for a Node that it does not ask for says nothing of the app."""
    if step.state is not State.FAILED or ran.late or not (why := unmet(app.node, step.said)):
        return step
    return replace(step, state=State.NOT_CHECKED, said=f"{step.said}\n{why}".strip())


def _all_of(held: Sequence[tuple[Command, Containment]]) -> Containment:
    """As good as the worst of them; packages are installed over the network."""
    ran = [(command, it) for command, it in held if not command.reads]
    if not ran:
        return Containment()
    files = all(it.files for _, it in ran)
    return Containment(files, all(it.network for command, it in ran if not command.installs))
