"""Everything that is known of a replayed database when the findings are made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ...engine.finding import Evidence, NotLooked, Place
from .model import ObjectKey, Replay
from .ownership import Ownership
from .relations import Policy, Relations, Table
from .repeats import repeats
from .seeding import Seeded
from .stranger import ANON, OTHER, Matrix, Visitor


@dataclass(frozen=True)
class Scene:
    """Everything that is known when the findings are made."""

    replay: Replay
    relations: Relations
    ownership: Ownership
    seeded: Seeded
    matrix: Matrix
    sign_up: bool = True
    """Whether anybody may open an account."""
    not_looked: list[NotLooked] = field(default_factory=list)

    def evidence(self, table: Table) -> Evidence:
        return self.replay.evidence(table.schema, table.name)

    def policy_places(self, table: Table, policies: Iterable[Policy]) -> tuple[Place, ...]:
        """Where they are written, those that the chain says twice at both places; the table's
        own place where there is none."""
        found: dict[Place, None] = {}
        again: list[Place] = []
        for policy in policies:
            name = f"{table.name}.{policy.name}"
            found[self.replay.place("policy", table.schema, name)] = None
            again += self.repeated.get(("policy", table.schema, name), ())
        if not found:
            found[self.replay.place("table", table.schema, table.name)] = None
        return tuple(dict.fromkeys([*found, *again]))

    @cached_property
    def repeated(self) -> Mapping[ObjectKey, tuple[Place, ...]]:
        return repeats(self.replay)

    def known(self, table: Table) -> bool:
        """Whether the chain itself says who may do what with the table."""
        return table.row_security or table.relation not in self.replay.rebuilt

    def who(self, visitor: Visitor) -> str:
        if visitor is ANON:
            return "Anybody, without an account,"
        if visitor is OTHER:
            return "A member of another organisation"
        return "Anybody who signs up" if self.sign_up else "Any user"
