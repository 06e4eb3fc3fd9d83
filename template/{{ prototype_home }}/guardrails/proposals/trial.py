"""Try a proposal on the replayed database: who gets in before and after, and what is lost."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property

import psycopg

from ..guards.database.arguments import argument, invocation
from ..guards.database.escalation import gains_in
from ..guards.database.examine import Acted
from ..guards.database.relations import Function, Table
from ..guards.database.stranger import Attacker, Visitor
from ..matrix.collect import tables_of, views_of
from ..matrix.model import WIDTH, Access, Door
from .model import NARROWS, Kind, Picture, Proposal, Seat, Tried
from .queries import Query, one_of_each_form
from .rightful import Answer, Lost, Rightful

SECONDS = 30.0
_EVERYTHING = {Kind.SEARCH_PATH, Kind.INDEXES}
"""What should change nothing for anybody: all queries are run, whatever they ask for."""


class Trial:
    """Tries proposals one by one; nothing of any stays."""

    def __init__(self, acted: Acted, rightful: Rightful) -> None:
        self.acted = acted
        self.rightful = rightful
        self._relations = acted.scene.relations
        self._attacker = Attacker(acted.stage, self._relations, acted.scene.ownership, acted.seeder)
        self.forms = [
            query for query in one_of_each_form(rightful.queries.found) if rightful.known(query)
        ]
        self._answers: dict[Query, list[tuple[Visitor, Answer]]] = {}

    def run(self, proposal: Proposal) -> Tried:
        before = self._picture(proposal)
        queries = self._concerned(proposal)
        answered = [(q, visitor, answer) for q in queries for visitor, answer in self.before(q)]
        able = self._working(proposal)
        with self.acted.stage.undone():
            if refused := self.apply(proposal.statements):
                return Tried(proposal, before, {}, why_not=f"it does not apply: {refused}")
            after = self._picture(proposal, anew=True)
            broken = sorted(able - self._working(proposal))
            lost = [
                Lost(query, visitor.name, answer, now)
                for query, visitor, answer in answered
                if not (now := self.rightful.run(query, visitor)).keeps(answer)
            ]
        why_not = judged(proposal, before, after)
        if broken:
            why_not = f"these no longer run: {', '.join(broken)}"
        return Tried(proposal, before, after, len(answered), tuple(lost), why_not)

    def apply(self, statements: Iterable[str]) -> str:
        """What the database says to them as their owner; empty when it takes them."""
        try:
            with self.acted.stage.connection.transaction():
                for statement in statements:
                    self.acted.stage.connection.execute(statement.encode())
        except psycopg.Error as error:
            return str(error).partition("\n")[0]
        return ""

    def before(self, query: Query) -> list[tuple[Visitor, Answer]]:
        if query not in self._answers:
            self._answers[query] = [
                (visitor, self.rightful.run(query, visitor))
                for visitor in self.rightful.visitors(query)
            ]
        return self._answers[query]

    def _picture(self, proposal: Proposal, *, anew: bool = False) -> Picture:
        acted = self.acted
        tables = [self._relations.tables[relation] for relation in sorted(proposal.tables)]
        if proposal.kind is Kind.COLUMNS:
            return dict(self._gains(tables))
        matrix = acted.scene.matrix
        if anew:
            matrix = self._attacker.attack(acted.visitors, SECONDS, tables)
        views = [v for v in self._relations.views if (v.schema, v.name) in proposal.views]
        seen = replace(acted, scene=replace(acted.scene, matrix=matrix))
        seats: dict[Seat, Access] = {}
        for door, visitor, access, _, _ in (*tables_of(seen, tables), *views_of(acted, views)):
            seats[door, visitor.name] = access
        return seats | dict(self._callers(proposal))

    def _gains(self, tables: list[Table]) -> Iterator[tuple[Seat, Access]]:
        acted = self.acted
        for table in tables:
            gained = gains_in(acted.scene, acted.stage, acted.seeder, table)
            able = {gain.column.name for gain in gained}
            for column in table.columns:
                door = Door("column", f"{table.schema}.{table.name}.{column.name}", "set one's own")
                yield (door, "user"), Access.ALLOWED if column.name in able else Access.REFUSED

    def _callers(self, proposal: Proposal) -> Iterator[tuple[Seat, Access]]:
        if proposal.kind is not Kind.EXECUTE:
            return
        for function in self._functions(proposal):
            types = ", ".join(kind for _, kind in function.arguments)
            door = Door("function", f"{function.schema}.{function.name}({types})", "execute")
            for visitor in self.acted.visitors[:2]:
                row = self.acted.stage.connection.execute(
                    "select pg_catalog.has_function_privilege(%s, %s::oid, 'execute')",
                    [visitor.role, function.oid],
                ).fetchone()
                may = bool(row and row[0])
                yield (door, visitor.name), Access.ALLOWED if may else Access.REFUSED

    def _functions(self, proposal: Proposal) -> list[Function]:
        return [one for one in self._relations.functions if one.oid in proposal.functions]

    def _working(self, proposal: Proposal) -> set[str]:
        """Functions that run when their owner calls them, of those that are to be changed."""
        if proposal.kind is not Kind.SEARCH_PATH:
            return set()
        return {f.name for f in self._functions(proposal) if self._runs(f)}

    def _runs(self, function: Function) -> bool:
        if function.returns in {"trigger", "event_trigger"}:
            return False
        scene = self.acted.scene
        values = {
            f"a{n}": argument(scene, name, kind)
            for n, (name, kind) in enumerate(function.arguments)
        }
        try:
            self.acted.stage.run(invocation(function), values)
        except psycopg.Error:
            return False
        return True

    def _concerned(self, proposal: Proposal) -> list[Query]:
        """One query of each form that could tell the difference."""
        names = self._near(proposal)
        return [
            query for query in self.forms if proposal.kind in _EVERYTHING or query.table in names
        ]

    def _near(self, proposal: Proposal) -> set[str]:
        """The names of what a proposal is about, and of what asks it."""
        names = {name for _, name in (*proposal.tables, *proposal.views)}
        functions = self._functions(proposal)
        names |= {function.name for function in functions}
        for name in list(names):
            names |= self._askers.get(name, set())
        for view in self._relations.views:
            if proposal.tables & set(view.bases):
                names.add(view.name)
        return names

    def _triggers(self) -> list[tuple[str, str]]:
        found = self.acted.stage.connection.execute(_TRIGGERS).fetchall()
        return [(str(table), str(function)) for table, function in found]

    @cached_property
    def _askers(self) -> dict[str, set[str]]:
        """By the name of a table or function: the tables whose policies or triggers ask it, and
        the functions that do with their caller's rights."""
        askers: dict[str, set[str]] = defaultdict(set)
        known = {name for _, name in self._relations.tables}
        known |= {function.name for function in self._relations.functions}
        bodies: dict[str, set[str]] = {}
        for function in self._relations.functions:
            bodies[function.name] = known & set(re.findall(r"\w+", function.body))
            if not function.definer:
                for name in bodies[function.name]:
                    askers[name].add(function.name)
        for table_name, function_name in self._triggers():
            for name in {function_name} | bodies.get(function_name, set()):
                askers[name].add(table_name)
        for table in self._relations.tables.values():
            text = " ".join(policy.using + " " + policy.check for policy in table.policies)
            asked = known & set(re.findall(r"\w+", text))
            for name in asked | {deep for one in asked for deep in bodies.get(one, ())}:
                askers[name].add(table.name)
        return askers


_TRIGGERS = """
select c.relname::text, p.proname::text from pg_catalog.pg_trigger t
join pg_catalog.pg_class c on c.oid = t.tgrelid join pg_catalog.pg_proc p on p.oid = t.tgfoid
where not t.tgisinternal
"""


def judged(proposal: Proposal, before: Picture, after: Picture) -> str:
    """Why it is no mend; empty when it lets in fewer strangers and no others."""
    narrower = False
    for (door, who), now in after.items():
        was = before.get((door, who), Access.REFUSED)
        if WIDTH[now] > WIDTH[was] and was is not Access.UNKNOWN:
            return f"it lets {who} {door.operation} {door.name}, which was {was}"
        if now is Access.UNKNOWN and was is not Access.UNKNOWN:
            return f"whether {who} may {door.operation} {door.name} could not be seen any more"
        narrower = narrower or WIDTH[now] < WIDTH[was]
    if proposal.kind in NARROWS and not narrower:
        return "it would let in as many strangers as before"
    return ""
