"""The PostgreSQL server of a test run."""

import os
from collections.abc import Iterator
from uuid import uuid4

import pytest

from guardrails.postgres import temporary_server

# The same in every worker of pytest-xdist, another in every run.
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid4().hex)[:12]


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A server: the one that DATABASE_URL names, or a throwaway one that all workers share."""
    if given := os.environ.get("DATABASE_URL"):
        yield given
        return
    with temporary_server(name=RUN) as server:
        yield server.url
