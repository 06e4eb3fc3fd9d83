"""The part of the gate table for tRPC, whose procedures share an address, and so a line.

A client puts several calls into one request, so that no line could be for one of them alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .gate_lines import DECIDE, PUBLIC, SIGNED_IN, Line

Row = Mapping[str, Any]
_NAMED = 3


@dataclass(frozen=True)
class Judged:
    """A route, who may call it from now on and why; `finding` says that it asks nobody today."""

    row: Row
    access: str
    why: str
    finding: str

    @property
    def is_settled(self) -> bool:
        return self.access == PUBLIC or (self.access == SIGNED_IN and not self.finding)


def is_procedure(row: Row) -> bool:
    """Whether it is one, and is known to be served."""
    return row["kind"] == "procedure" and bool(row["patterns"])


def without_procedures(rows: Sequence[Row]) -> Iterator[Row]:
    """The other routes, but for the file that hands what is asked for to the procedures."""
    patterns = {at for row in rows if is_procedure(row) for at in row["patterns"]}
    any_of_them = tuple(at.removesuffix("**") + "{" for at in patterns)
    for row in rows:
        beside = not any(pattern.startswith(any_of_them) for pattern in row["patterns"])
        if beside and not is_procedure(row):
            yield row


def procedure_lines(procedures: Sequence[Judged]) -> Iterator[Line]:
    if not procedures:
        return
    access, why = _together(procedures)
    for pattern in sorted({at for it in procedures for at in it.row["patterns"]}):
        yield Line("*", pattern, access, f"tRPC: {why}")


def _together(procedures: Sequence[Judged]) -> tuple[str, str]:
    """What is true of a request whichever of them it asks for, and why."""
    if unsettled := [it for it in procedures if not it.is_settled]:
        names = _names(it.row["name"] for it in unsettled)
        return (
            DECIDE,
            f"who may call one may call all, and nobody is seen to be asked in {names}",
        )
    public = [it for it in procedures if it.access == PUBLIC]
    if not public:
        return SIGNED_IN, "each of its procedures asks who calls"
    return (
        PUBLIC,
        f"its procedures ask who calls, but for {_names(it.row['name'] for it in public)}",
    )


def _names(names: Iterable[str]) -> str:
    told = sorted(names)
    more = f" and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
    return ", ".join(told[:_NAMED]) + more
