"""What a verification says: its steps, and what a retrofit broke."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

# Node.js ends what it says of a crash with its version.
_LAST_WORDS = re.compile(r"Node\.js v\d")
_ERROR = re.compile(r"(Uncaught )?[\w.]*(Error|Exception)\b.*:|Error\b")

# Pydantic ends each field of what it refuses with the address of its manual.
_REFUSED = re.compile(r"^(\S+)\n\s+(\S.*?) \[type=", re.MULTILINE)
_MOST_REFUSED = 4


class State(Enum):
    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Step:
    """One thing that was tried. `said` is the end of what it printed, or why it was not tried."""

    name: str
    command: str
    state: State
    seconds: float = 0.0
    said: str = ""

    @property
    def passed(self) -> bool:
        return self.state is State.PASSED

    @property
    def gist(self) -> str:
        """The last line of what was said, or the error before a runtime's own last words."""
        if refused := _REFUSED.findall(self.said):
            more = f", and {len(refused) - _MOST_REFUSED} more" * (len(refused) > _MOST_REFUSED)
            told = ", ".join(f"{field}: {why}" for field, why in refused[:_MOST_REFUSED])
            return f"refused: {told}{more}"
        lines = [line.strip() for line in self.said.splitlines() if line.strip()]
        if lines and _LAST_WORDS.match(lines[-1]):
            return next(filter(_ERROR.match, reversed(lines)), lines[-1])
        return lines[-1] if lines else ""


@dataclass(frozen=True)
class Containment:
    """What the machine could hold the prototype's code to. Nothing ran where all is None.

    `files`: it could not write outside of its copy, nor read the user's own files. `network`: it
    could reach nobody; the step that installs packages excepted.
    """

    files: bool | None = None
    network: bool | None = None

    def __str__(self) -> str:
        if self.files is None:
            return "Nothing of the prototype's was run."
        held = [
            "its code could neither write outside of the copy nor read your own files"
            if self.files
            else "this machine can't keep its code from your files (Linux with Landlock can)",
            "the network was cut, but for installing packages"
            if self.network
            else "this machine can't cut the network for it",
        ]
        return f"It ran in a copy, without your environment; {'; '.join(held)}."


@dataclass(frozen=True)
class Verification:
    steps: tuple[Step, ...] = ()
    containment: Containment = Containment()

    def step(self, name: str) -> Step | None:
        return next((step for step in self.steps if step.name == name), None)

    def of(self, state: State) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.state is state)


@dataclass(frozen=True)
class Regression:
    """Something that passed before and doesn't after, or that came and fails; unknown is not
    passed.
    """

    before: Step | None
    after: Step | None

    def __str__(self) -> str:
        if self.after is None:
            return (
                f"{self.before.name if self.before else ''} passed before and was not tried after"
            )
        if self.before is None:
            return f"{self.after.name} failed: {self.after.said}"
        return f"{self.before.name} passed before; after: {self.after.state.value}"


def compare(before: Verification, after: Verification) -> Sequence[Regression]:
    """What passed before must pass after, and what is new must not fail; what failed before may."""
    broken = []
    for step in before.of(State.PASSED):
        now = after.step(step.name)
        if now is None or not now.passed:
            broken.append(Regression(step, now))
    came = (step for step in after.of(State.FAILED) if before.step(step.name) is None)
    return [*broken, *(Regression(None, step) for step in came)]
