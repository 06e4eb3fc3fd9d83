"""What stands in front of the prototype does what its own tests say, as they are stamped.

They speak to real sockets: requests that two servers read differently, bodies in step with the
slower side, callers who leave, prototypes that are late, killed or gone, WebSockets, mounts. And
they present every credential that an attacker makes up, in every spelling of a path.
"""

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
]  # fmt: skip


@pytest.mark.parametrize("parts", PARTS, ids=" ".join)
def test_the_facade_does_what_its_tests_say(database: Database, parts: tuple[str, ...]) -> None:
    database.check_tests(*parts)
