"""Accounts, as Supabase's sign-up makes them."""

import json
from collections.abc import Mapping
from typing import Any

from psycopg import Connection

from .seeding import Person


def add_account(
    connection: Connection[Any],
    person: Person,
    *,
    triggers: bool,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Put somebody into auth.users, with or without what signing up sets off.

    `metadata` is what the form sends along for the account's own use.
    """
    with connection.transaction():
        if not triggers:
            connection.execute("set local session_replication_role = replica")
        connection.execute(
            "insert into auth.users (id, email, aud, role, raw_user_meta_data, raw_app_meta_data)"
            " values (%s, %s, 'authenticated', 'authenticated', %s, '{}')",
            [person.uid, person.email, json.dumps(dict(metadata or {}))],
        )
        connection.execute("set local session_replication_role = origin")
