"""One stamp, one database and one project of Supabase's for all that stands before it."""

from collections.abc import Iterator

import pytest
from stamping import Stamper
from standing import Database, free_port, serving
from supabase import Supabase


@pytest.fixture(scope="session")
def supabase() -> Iterator[Supabase]:
    port = free_port()
    project = Supabase(f"http://127.0.0.1:{port}")
    with serving(project.app, port):
        yield project


@pytest.fixture(scope="session")
def database(stamper: Stamper, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    project = stamper.stamp(
        mode="adopt", kind="supabase", guardrails=["auth", "observability"], example=False
    )
    with Database(project, tmp_path_factory.mktemp("data") / "postgres") as database:
        yield database
