"""A contract that could be written down: what it protects, and what breaks it today."""

from dataclasses import dataclass

from ..breaches import Breach, breaches
from ..code import Code
from ..contracts import Contract


@dataclass(frozen=True)
class Proposal:
    """`protects` is a sentence for the file's comment; `known` goes into the baseline."""

    contract: Contract
    protects: str
    known: tuple[Breach, ...]

    @property
    def files(self) -> int:
        return len({entry.path for entry in self.known})


def proposed(code: Code, contract: Contract, protects: str) -> Proposal:
    return Proposal(contract, protects, tuple(breaches(contract, code)))
