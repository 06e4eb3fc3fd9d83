"""What stands in front of the prototype does what its own tests say, as they are stamped.

They speak to real sockets: requests that two servers read differently, bodies in step with the
slower side, callers who leave, prototypes that are late, killed or gone, WebSockets, mounts.
"""

import subprocess
import sys

import pytest
from standing import Database

PARTS = [("attacks", "answers"), ("memory", "mounts", "sockets", "streams")]


@pytest.mark.parametrize("parts", PARTS, ids=" ".join)
def test_the_facade_does_what_its_tests_say(database: Database, parts: tuple[str, ...]) -> None:
    tests = [f"tests/legacy/test_facade_{part}.py" for part in parts]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--quiet", *tests],
        cwd=database.service,
        env=database.environment() | {"DATABASE_URL": database.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout[-6000:]
    assert " passed" in ran.stdout
