"""Whose a row is: the columns that name its owner and its tenant, as policies and keys tell."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from .relations import Policy, Relation, Relations, Table
from .sensitivity import words

OWNERS = frozenset(
    re.findall(
        r"\w+",
        """user_id owner_id owner created_by author_id profile_id account_user_id auth_user_id
    auth_id userid uid member_user_id usuario_id id_usuario user_uuid creator_id
    uploaded_by submitted_by""",
    )
)
PROFILES = frozenset({"profiles", "users", "user_profiles", "profile", "user_profile", "usuarios"})
TENANTS = frozenset(
    re.findall(
        r"\w+",
        """organization organisation tenant company workspace team agency empresa club business
    account clinic school operator store restaurant salon gym org household family""",
    )
)
_UID = r"\(*\s*(?:SELECT )?(?:auth\.)?uid\(\)(?: AS uid)?\s*\)*(?:::text)?"
_UID_FIRST = re.compile(rf"{_UID} = \(?(?:(\w+)\.)?\"?(\w+)\"?\b(?!\.)")
_UID_LAST = re.compile(rf"(?<![\w.])(?:(\w+)\.)?\"?(\w+)\"?\)?(?:::text)? = {_UID}")


@dataclass(frozen=True)
class Ownership:
    """`owners` holds, by table, the columns with the owner's id; `emails` those with their
    address; `tenants` the tables that divide the data between organisations."""

    owners: dict[Relation, frozenset[str]] = field(default_factory=dict)
    emails: dict[Relation, frozenset[str]] = field(default_factory=dict)
    tenants: frozenset[Relation] = frozenset()

    def identifies(self, table: Table, column: str) -> bool:
        return column in self.owners.get(table.relation, ())

    def names(self, table: Table, column: str) -> bool:
        return column in self.emails.get(table.relation, ())

    def owned(self, table: Table) -> bool:
        return bool(self.owners.get(table.relation))

    def tenant_columns(self, table: Table) -> tuple[str, ...]:
        return tuple(
            key.columns[0]
            for key in table.references
            if key.target in self.tenants and len(key.columns) == 1
        )


def recognise(relations: Relations) -> Ownership:
    owners = {table.relation: _owners(table) for table in relations.tables.values()}
    # Who refers to a table whose key is a person's id refers to a person, level by level.
    for _ in range(3):
        for table in relations.tables.values():
            linked = {
                key.columns[0]
                for key in table.references
                if len(key.columns) == 1
                and key.target_columns[0] in owners.get(key.target, ())
                and key.target != table.relation
            }
            owners[table.relation] |= linked
    emails = {table.relation: _emails(table) for table in relations.tables.values()}
    return Ownership(owners, emails, _tenants(relations, owners))


def _owners(table: Table) -> frozenset[str]:
    found = {
        key.columns[0]
        for key in table.references
        if key.target == ("auth", "users") and len(key.columns) == 1
    }
    found |= {name for policy in table.policies for name in compared(policy, table)}
    if not found:
        found |= {
            column.name
            for column in table.columns
            if words(column.name) in OWNERS
            and column.base in {"uuid", "text", "varchar"}
            and table.reference(column.name) is None
        }
    if not found and table.name in PROFILES and (key := table.column("id")) is not None:
        found |= {"id"} if key.base == "uuid" else set()
    return frozenset(name for name in found if _takes_id(table, name))


def _takes_id(table: Table, name: str) -> bool:
    column = table.column(name)
    return column is not None and column.base in {"uuid", "text", "varchar"}


def compared(policy: Policy, table: Table) -> set[str]:
    """Columns that a policy compares with the caller's id."""
    expression = f"{policy.using} {policy.check}"
    found = [*_UID_FIRST.findall(expression), *_UID_LAST.findall(expression)]
    mine = {column.name for column in table.columns}
    return {name for of, name in found if name in mine and of in ("", table.name)} - {"select"}


def _emails(table: Table) -> frozenset[str]:
    return frozenset(
        column.name
        for column in table.columns
        if words(column.name) in {"email", "user_email", "e_mail"} and column.category == "S"
    )


def _tenants(relations: Relations, owners: Any) -> frozenset[Relation]:
    """Tables named like an organisation that others refer to, one of them with a person."""
    referred: Counter[Relation] = Counter()
    peopled: set[Relation] = set()
    for table in relations.tables.values():
        for target in {key.target for key in table.references} - {table.relation}:
            referred[target] += 1
            if owners[table.relation]:
                peopled.add(target)
    return frozenset(
        relation
        for relation, count in referred.items()
        if count >= 2
        and relation in peopled
        and any(word in TENANTS for word in _singulars(relation[1]))
    )


def _singulars(name: str) -> set[str]:
    full = words(name)
    return {full, full.removesuffix("s"), re.sub(r"ies$", "y", full)}
