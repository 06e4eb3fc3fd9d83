"""What stands in front of the prototype, and backs it up, does what its own tests say, as stamped.

They speak to real sockets: requests that two servers read differently, bodies in step with the
slower side, callers who leave, prototypes that are late, killed or gone, WebSockets, mounts. And
they present every credential that an attacker makes up, in every spelling of a path.
"""

from itertools import chain

import pytest
from standing import Database

PARTS = [
    ("facade_attacks", "facade_answers"),
    ("facade_memory", "facade_mounts", "facade_sockets", "facade_streams"),
    ("gate", "gate_check", "gate_commands", "gate_table"),
    (
        "asked_callers", "callers_of_features", "prototype_sessions", "supabase_callers",
        "token_keys",
    ),
    ("oidc_callers", "oidc_discovery"),
    ("browser_reports", "facade_traces", "what_it_says"),
    ("backup_buckets", "backup_database", "backup_sqlite"),
]  # fmt: skip


def test_none_of_them_is_forgotten(database: Database) -> None:
    stamped = (database.service / "tests" / "legacy").glob("test_*.py")
    assert {file.stem.removeprefix("test_") for file in stamped} == set(chain(*PARTS))


@pytest.mark.parametrize("parts", PARTS, ids=" ".join)
def test_the_facade_does_what_its_tests_say(database: Database, parts: tuple[str, ...]) -> None:
    database.check_tests(*parts)
