"""A database to try revisions on: never the one that somebody works with."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Identifier

from guardrails.postgres import temporary_server


@contextmanager
def scratch_database() -> Iterator[str]:
    """An empty database, which DATABASE_URL names until it is dropped again."""
    with ExitStack() as stack:
        given = os.environ.get("DATABASE_URL")
        server = given or stack.enter_context(temporary_server()).url
        name = f"gate_{uuid4().hex[:12]}"
        url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(SQL("create database {}").format(Identifier(name)))
            os.environ["DATABASE_URL"] = url
            try:
                yield url
            finally:
                connection.execute(SQL("drop database {} with (force)").format(Identifier(name)))
                os.environ.pop("DATABASE_URL")
                if given:
                    os.environ["DATABASE_URL"] = given
