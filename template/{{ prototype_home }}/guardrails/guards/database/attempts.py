"""What became of one attempt on a table, and who refused it."""

from dataclasses import dataclass
from enum import StrEnum

import psycopg


class Outcome(StrEnum):
    ALLOWED = "allowed"
    """Somebody else's row was seen, changed or made."""
    OWN = "own rows only"
    NO_GRANT = "denied by grant"
    POLICY = "denied by policy"
    GUARDED = "denied by trigger"
    ERROR = "error"
    UNCHECKED = "not checked"


@dataclass(frozen=True)
class Attempt:
    outcome: Outcome
    rows: int = 0
    why: str = ""
    columns: tuple[str, ...] = ()
    """What could be read of the row."""
    own: bool = False
    """INSERT: a row in one's own name was taken, too."""
    below: tuple[str, ...] = ()
    """INSERT: the columns by which it hangs on somebody else's rows."""

    @property
    def allowed(self) -> bool:
        return self.outcome is Outcome.ALLOWED


_OURS = {"57014", "42601", "25P02", "3B001", "XX000"}
"""It took too long, was asked in the wrong way or is a fault of the server's own: nobody refused
anything."""


def refused(error: psycopg.Error) -> Attempt:
    """What an error says about who refused."""
    why = str(error).partition("\n")[0]
    if error.sqlstate == "42501":
        policy = "row-level security" in why
        return Attempt(Outcome.POLICY if policy else Outcome.NO_GRANT, why=why)
    if error.sqlstate == "P0001":
        return Attempt(Outcome.GUARDED, why=why)
    return Attempt(Outcome.UNCHECKED if error.sqlstate in _OURS else Outcome.ERROR, why=why)


def unseen() -> Attempt:
    return Attempt(Outcome.POLICY)
