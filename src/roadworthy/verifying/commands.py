"""A command that asks a prototype something, and those of one app."""

from dataclasses import dataclass

from .versions import Asked

VENV = "{venv}"
"""Stands in a command for the app's virtual environment, which is where the command is run."""


@dataclass(frozen=True)
class Command:
    """`told` is the same for people and for CI, where the environment is the machine's own.

    `folder` is below the tree. What only `reads` doesn't run the prototype's code.
    """

    name: str
    argv: tuple[str, ...]
    told: str
    folder: str = "."
    installs: bool = False
    reads: bool = False
    seconds: float = 300
    otherwise: "Otherwise | None" = None

    @property
    def program(self) -> str:
        """What must be there for it; of several that a shell runs, it is the first."""
        words = self.argv[2].split() if self.argv[:2] == ("sh", "-c") else self.argv
        return words[0]


@dataclass(frozen=True)
class Otherwise:
    """What to try instead, if the command fails and says one of these."""

    signs: tuple[str, ...]
    argv: tuple[str, ...]
    told: str


@dataclass(frozen=True)
class AppChecks:
    """One app's, in order; no name comes twice. `version` is the runtime's, for CI; `node` is what
    the app says of it itself.
    """

    folder: str
    language: str
    manager: str
    version: str
    commands: tuple[Command, ...]
    node: Asked | None = None
