"""Who a table is meant for, as its columns, keys and purpose tell; and that as policies."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from ..engine.finding import Severity
from ..guards.database.examine import Acted
from ..guards.database.ownership import OWNERS
from ..guards.database.policies import is_open, read_severity
from ..guards.database.relations import Relation, Table
from ..guards.database.sensitivity import Purpose, purpose, words
from ..guards.database.stranger import ANON, COMMANDS, USER, Visitor
from .people import UID, Administrator, name_of, table_name
from .queries import Queries

EVERYBODY = "anon, authenticated"
SIGNED_IN = "authenticated"
_MEMBERS = re.compile(r"member|_users?$|user_|staff|team")
_EVERYBODY = re.compile(
    r"\b(public(ly)?|any(one|body)|every(one|body)|all users|world|p[úu]blic[oa]s?|todos|alle)\b",
    re.IGNORECASE,
)
_DEPTH = 2
_BELONGS = "select m.{column} from {members} m where m.{person} = {uid}"


@dataclass(frozen=True)
class Rule:
    """Which rows of a table which roles get at; `who` names the policy."""

    who: str
    roles: str
    rows: str

    @property
    def open(self) -> bool:
        return self.rows == "true"


ANYBODY = Rule("Anybody", EVERYBODY, "true")
EVERY_USER = Rule("Every user", SIGNED_IN, "true")
Ladder = tuple[Rule | None, ...]
"""From what the table seems to be meant for down to what is so today; None is nobody."""


@dataclass(frozen=True)
class Wanted:
    """What a table's policies should say. `at` is how far down its ladder a command stands."""

    table: Table
    ladders: Mapping[str, Ladder]
    at: Mapping[str, int]
    admin: Administrator | None = None

    def rule(self, command: str) -> Rule | None:
        return self.ladders[command][self.at[command]]

    def relaxed(self, commands: set[str]) -> "Wanted | None":
        """One rung down where there is one; None where nothing is left to give."""
        lower = {
            command: self.at[command] + 1
            for command in commands & set(self.ladders)
            if self.at[command] + 1 < len(self.ladders[command])
        }
        return replace(self, at={**self.at, **lower}) if lower else None

    @property
    def strict(self) -> bool:
        return not any(self.at.values())

    @property
    def open(self) -> frozenset[str]:
        """What every user may do, with everybody's rows."""
        return frozenset(c for c in self.ladders if (rule := self.rule(c)) and rule.open)


class Intent:
    """Reads the tables of one database."""

    def __init__(self, acted: Acted, queries: Queries, admin: Administrator | None) -> None:
        self.acted = acted
        self.queries = queries
        self.admin = admin
        self.tables = acted.scene.relations.tables

    def wanted(self, table: Table, commands: tuple[str, ...] = COMMANDS) -> Wanted:
        ladders = {command: self._ladder(table, command) for command in commands}
        return Wanted(table, ladders, dict.fromkeys(commands, 0), self._administrator(table))

    def _administrator(self, table: Table) -> Administrator | None:
        """Only where they work with it, or nobody else may write it."""
        if self.admin is None or self.admin.asks == table.relation:
            return None
        used = any(query.admin for query in self.queries.of(table.name))
        return self.admin if used or self.rows_of(table) is None else None

    def _ladder(self, table: Table, command: str) -> Ladder:
        mine = self._own(table)
        today = [rule for rule in (EVERY_USER, ANYBODY) if self._can_today(table, command, rule)]
        if command == "SELECT":
            shown = self.public_reading(table)
            first: list[Rule | None] = [shown] if shown else [mine]
        elif command == "INSERT" and purpose(table.name) is Purpose.INTAKE:
            first = [ANYBODY] if ANYBODY in today else [mine]
        elif purpose(table.name) is Purpose.PRIVILEGE or not self._writes(table, command):
            first = [None, mine]
        else:
            first = [mine]
        return tuple(dict.fromkeys([*first, *today]))

    def _can_today(self, table: Table, command: str, rule: Rule) -> bool:
        visitor = ANON if rule is ANYBODY else USER
        return self.acted.scene.matrix.attempt(table, visitor, command).allowed

    def _writes(self, table: Table, command: str) -> bool:
        """Whether the prototype's own pages do that with the table."""
        if self.queries.unread:
            return True
        done = {query.operation for query in self.queries.of(table.name)}
        return command.lower() in done or ("upsert" in done and command in {"INSERT", "UPDATE"})

    def public_reading(self, table: Table) -> Rule | None:
        """Who may go on reading all of it, because it is there to be read: a price list."""
        scene = self.acted.scene
        # A table between somebody's and something else is not a price list.
        somebodys = purpose(table.name) is Purpose.UNKNOWN and self.rows_of(table)
        for visitor, rule in ((ANON, ANYBODY), (USER, EVERY_USER)):
            attempt = scene.matrix.attempt(table, visitor, "SELECT")
            if attempt.allowed:
                severity = read_severity(scene, table, attempt.columns, ANON)
                if severity <= Severity.MEDIUM and _says_so(table, visitor):
                    return rule
                return rule if severity <= Severity.LOW and not somebodys else None
        return None

    def _own(self, table: Table) -> Rule | None:
        found = self.rows_of(table)
        return Rule(found[0], SIGNED_IN, found[1]) if found else None

    def rows_of(self, table: Table, alias: str = "", depth: int = 0) -> tuple[str, str] | None:
        """Who has rows in the table, and the condition that a row is theirs."""
        name = alias or name_of(table.name)
        for who, rows in (
            ("Members", self._of_tenant(table, name)),
            ("Owners", self._of_owner(table, name)),
        ):
            if rows:
                return who, rows
        rows = self._of_parent(table, name, depth) if depth < _DEPTH else None
        return ("Owners", rows) if rows else None

    def _of_owner(self, table: Table, name: str) -> str | None:
        ownership = self.acted.scene.ownership
        owners = sorted(ownership.owners.get(table.relation, ()))
        named = [column for column in owners if words(column) in OWNERS or column in table.key]
        conditions = []
        for column in named or owners:
            found = table.column(column)
            cast = "" if found is not None and found.base == "uuid" else "::text"
            conditions.append(f"{name}.{name_of(column)} = {UID}{cast}")
        return " or ".join(conditions) or None

    def _of_tenant(self, table: Table, name: str) -> str | None:
        for tenant, (members, person, column) in self._memberships.items():
            if members.relation == table.relation:
                return None
            mine = self._tenant_column(table, tenant)
            if mine:
                asked = _BELONGS.format(
                    column=name_of(column),
                    members=table_name(members),
                    person=name_of(person),
                    uid=UID,
                )
                return f"{name}.{name_of(mine)} in ({asked})"
        return None

    def _tenant_column(self, table: Table, tenant: Relation) -> str | None:
        if table.relation == tenant:
            return table.key[0] if len(table.key) == 1 else None
        keys = [key for key in table.references if key.target == tenant]
        return next((key.columns[0] for key in keys if len(key.columns) == 1), None)

    @cached_property
    def _memberships(self) -> dict[Relation, tuple[Table, str, str]]:
        """By organisation: the table that says who belongs to it, and its two columns."""
        found: dict[Relation, tuple[Table, str, str]] = {}
        for tenant in sorted(self.acted.scene.ownership.tenants):
            known = sorted(self._members_of(tenant), key=lambda one: one[0])
            if known:
                found[tenant] = known[0][1]
        return found

    def _members_of(self, tenant: Relation) -> Iterator[tuple[int, tuple[Table, str, str]]]:
        ownership = self.acted.scene.ownership
        for table in self.tables.values():
            column = self._tenant_column(table, tenant) if table.relation != tenant else None
            owners = sorted(ownership.owners.get(table.relation, ()))
            person = next((name for name in owners if words(name) in {*OWNERS, "id"}), None)
            if not column or not person:
                continue
            named = _MEMBERS.search(table.name) is not None
            if named or person in table.key:
                yield (0 if named else 1), (table, person, column)

    def _of_parent(self, table: Table, name: str, depth: int) -> str | None:
        alias = "p" * (depth + 1)
        own = table.name.partition("_")[0].rstrip("s")
        keys = [key for key in table.references if len(key.columns) == 1]
        for key in sorted(keys, key=lambda key: own not in key.target[1]):
            parent = self.tables.get(key.target)
            if parent is None or parent.relation == table.relation:
                continue
            if purpose(parent.name) is Purpose.CATALOGUE and own not in parent.name:
                continue
            if theirs := self.rows_of(parent, alias, depth + 1):
                there = f"{alias}.{name_of(key.target_columns[0])}"
                return (
                    f"exists (select from {table_name(parent)} {alias}"
                    f" where {there} = {name}.{name_of(key.columns[0])} and ({theirs[1]}))"
                )
        return None


def _says_so(table: Table, visitor: Visitor) -> bool:
    """Whether a policy's own name says that everybody is to read."""
    return any(
        policy.command == "SELECT"
        and policy.applies("SELECT", visitor.role)
        and is_open(policy, "SELECT")
        and _EVERYBODY.search(policy.name)
        for policy in table.policies
    )


_DOES = {"SELECT": "read", "INSERT": "add", "UPDATE": "change", "DELETE": "delete"}


def policies(wanted: Wanted) -> Iterator[str]:
    """`create policy` statements, one for each command or one for all."""
    table = wanted.table
    taken = {policy.name for policy in table.policies}
    rules = {command: wanted.rule(command) for command in wanted.ladders}
    same = set(rules.values())
    if len(same) == 1 and len(rules) == len(COMMANDS):
        rule = same.pop()
        if rule is not None:
            yield _policy(table, _free(f"{rule.who}: all", taken), "ALL", rule)
    else:
        for command, each in rules.items():
            if each is not None:
                name = _free(f"{each.who}: {_DOES[command]}", taken)
                yield _policy(table, name, command, each)
    if wanted.admin is not None:
        everything = Rule("Administrators", SIGNED_IN, wanted.admin.expression)
        yield _policy(table, _free("Administrators: all", taken), "ALL", everything)


def _free(name: str, taken: set[str]) -> str:
    number = 2
    free = name
    while free in taken:
        free, number = f"{name} {number}", number + 1
    taken.add(free)
    return free


def _policy(table: Table, name: str, command: str, rule: Rule) -> str:
    parts = []
    if command != "INSERT":
        parts.append(f"using ({rule.rows})")
    if command in {"INSERT", "UPDATE", "ALL"}:
        parts.append(f"with check ({rule.rows})")
    quoted = name.replace('"', '""')
    return (
        f'create policy "{quoted}" on {table_name(table)}\n'
        f"    for {command.lower()} to {rule.roles}\n    " + "\n    ".join(parts) + ";"
    )
