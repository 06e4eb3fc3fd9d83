"""What the route table is made of."""

from dataclasses import dataclass, field

from .program import Piece
from .source import Argument, Module

VERBS = ("get", "post", "put", "patch", "delete", "all")
HEADS = {verb.upper() for verb in VERBS} | {"HEAD", "OPTIONS"}


@dataclass(frozen=True)
class Guarding:
    """An expression that stands before a handler: middleware, hook, Nest guard."""

    module: Module
    argument: Argument

    @property
    def code(self) -> str:
        return self.module.code[self.argument.start : self.argument.end]


@dataclass
class Route:
    method: str
    path: str
    kind: str
    module: Module
    at: int
    start: tuple[Piece, ...]
    guards: tuple[Guarding, ...] = ()
    app: str = ""
    """The folder of the application that serves it."""
    known: bool = True
    """Whether it is known what stands before it: a router that nobody mounts is not."""
    name: str = ""
    named: bool = True
    """Whether the browser is told where it is: of a server action that no page calls it isn't."""
    pieces: list[Piece] = field(default_factory=list)

    @property
    def writes(self) -> bool:
        return self.method in {"POST", "PUT", "PATCH", "DELETE", "ALL", "ANY"}

    @property
    def label(self) -> str:
        return self.name or f"{self.method} {self.path}"

    @property
    def line(self) -> int:
        return self.module.line(self.at)
