"""The statements that an upgrade really runs, revision by revision, as the database gets them."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic.script import Script
from psycopg import ClientCursor
from sqlalchemy import Connection, Engine, event

from .revisions import watching

BOOKKEEPING = "alembic_version"


class Executed:
    """Each revision's statements; `begin` and `commit` stand where a transaction's bounds are."""

    def __init__(self) -> None:
        self.by_revision: defaultdict[Script, list[str]] = defaultdict(list)

    def add(self, script: Script, statement: str, *, in_transaction: bool) -> None:
        statements = self.by_revision[script]
        bounds = [bound for bound in statements if bound in {"begin", "commit"}]
        bound = "begin" if in_transaction else "commit"
        if (bounds or ["commit"])[-1] != bound:
            statements.append(bound)
        statements.append(statement.strip().rstrip(";"))


@contextmanager
def recording() -> Iterator[Executed]:
    """Listen to every connection, for Alembic's own and a revision's are the same to the data."""
    executed = Executed()
    with watching() as running:

        def listen(
            connection: Connection, _cursor: Any, statement: str, parameters: Any, *_: object
        ) -> None:
            if running.last is not None and BOOKKEEPING not in statement:
                driver: Any = connection.connection.driver_connection
                executed.add(
                    running.last,
                    _written_out(driver, statement, parameters),
                    in_transaction=not driver.autocommit,
                )

        event.listen(Engine, "before_cursor_execute", listen)
        try:
            yield executed
        finally:
            event.remove(Engine, "before_cursor_execute", listen)


def _written_out(driver: Any, statement: str, parameters: Any) -> str:
    """With its values in their places; of many rows, the first."""
    values = parameters[0] if isinstance(parameters, list) and parameters else parameters
    return ClientCursor(driver).mogrify(statement, values)
