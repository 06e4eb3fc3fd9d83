"""The real supabase-js, from npm, through the facade: one variable is all that changes.

The upstream is written to the published protocols, the gate table is the one that an inspection
of a small shop on Supabase begins with. Needs npm, which asks its registry unless its cache has
the two packages; without it these are skipped.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from node_packages import needs_npm, npm
from standing import Database, Standing, standing
from supabase import Supabase, unsigned

from roadworthy.inspection import Wanted, inspect
from roadworthy.planning.gate import Prototype, gate_of

HERE = Path(__file__).parent
SHOP = HERE.parent / "prototypes" / "corner-shop"
Said = dict[str, Any]
FOR_STRANGERS = {"strangerSelects", "strangerInvokes"}

pytestmark = needs_npm


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the script and the client that it uses."""
    folder = tmp_path_factory.mktemp("walk")
    for name in ("walk.mjs", "package.json"):
        shutil.copy(HERE / name, folder)
    npm(folder, "install")
    return folder


@pytest.fixture(scope="module")
def settings(supabase: Supabase, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    rules = Wanted(only=("authz.*", "edge-fn.*"), history=False)
    table = gate_of(
        inspect(SHOP, rules, lambda _: None), Prototype("supabase", supabase_at="/supabase")
    )
    file = tmp_path_factory.mktemp("gate") / "gate.toml"
    file.write_text(table)
    return {
        "PROTOTYPE_URL": supabase.url,
        "PROTOTYPE_ROUTES": f"/supabase={supabase.url}",
        "SUPABASE_URL": supabase.url,
        "SUPABASE_JWT_SECRET": supabase.secret,
        "GATE_FILE": str(file),
    }


def walked(walk: Path, url: str, key: str) -> Said:
    ran = subprocess.run(
        ["node", "walk.mjs"],
        cwd=walk,
        env={**os.environ, "VITE_SUPABASE_URL": url, "VITE_SUPABASE_ANON_KEY": key},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    said: Said = json.loads(ran.stdout)
    return said


@pytest.fixture(scope="module")
def without(walk: Path, supabase: Supabase) -> Said:
    """What the same walk gives without a facade."""
    said = walked(walk, supabase.url, supabase.anon_key())
    assert said["signIn"] == "ada@example.com"
    assert said["realtime"] == {"what": "rose"}
    supabase.rows.clear()
    return said


@dataclass
class Scene:
    """Everything that a walk through the facade needs, and how it goes without one."""

    walk: Path
    database: Database
    settings: dict[str, str]
    without: Said
    folder: Path

    @contextmanager
    def walked_through(
        self, supabase: Supabase, **settings: str
    ) -> Iterator[tuple[Standing, Said]]:
        """The service, and what the walk has said."""
        supabase.rows.clear()
        supabase.calls.clear()
        with standing(self.database, self.folder, **self.settings, **settings) as service:
            yield service, walked(self.walk, f"{service.url}/supabase", supabase.anon_key())


@pytest.fixture
def scene(
    walk: Path, database: Database, settings: dict[str, str], without: Said, tmp_path: Path
) -> Scene:
    return Scene(walk, database, settings, without, tmp_path)


def test_report_only_changes_nothing_and_says_what_enforcing_would(
    scene: Scene, supabase: Supabase
) -> None:
    with scene.walked_through(supabase) as (service, said):
        assert said == scene.without
        refusals = service.lines("gate_would_refuse")
        assert [(line["route"], line["reason"]) for line in refusals] == [
            ("* /supabase/rest/v1/**", "no-credential"),
            ("* /supabase/functions/v1/notify", "no-credential"),
        ]
        log = service.log.read_text()
    summary = scene.database.run("gate", "refusals", given=log, **scene.settings)
    assert "2 refused or to be refused" in summary
    assert "1  no-credential      POST /supabase/functions/v1/notify" in summary


def test_enforcing_refuses_strangers_and_nobody_else(scene: Scene, supabase: Supabase) -> None:
    with scene.walked_through(supabase, GATE_MODE="enforcing") as (service, said):
        others = said.keys() - FOR_STRANGERS
        assert {name: said[name] for name in others} == {
            name: scene.without[name] for name in others
        }
        for name in FOR_STRANGERS:
            assert said[name]["refused"] == 401, said[name]
        # The function that asks nobody was not reached by the stranger.
        assert supabase.calls.count("POST /functions/v1/notify") == 1
        ada = supabase.users["ada@example.com"]["id"]
        assert {line["principal_id"] for line in service.lines("request")} == {None, ada}
        _attack(service, supabase)
    logged = service.log.read_text()
    assert supabase.anon_key() not in logged
    assert "eyJ" not in logged


def _attack(service: Standing, supabase: Supabase) -> None:
    """What proves nothing gets as far as nobody, and a secret key from a browser nowhere."""
    user = {"sub": "x", "role": "authenticated", "aud": "authenticated", "exp": 9_999_999_999}
    reached = len(supabase.calls)
    for token in (unsigned({**user, "iss": f"{supabase.url}/auth/v1"}), "sb_publishable_" + "x"):
        status, problem = service.ask(
            "GET", "/supabase/rest/v1/notes", authorization=f"Bearer {token}", apikey="x"
        )
        assert status == 401, problem
    secret = supabase.anon_key("service_role")
    status, problem = service.ask(
        "GET", "/supabase/rest/v1/notes", authorization=f"Bearer {secret}", apikey=secret,
        origin="https://shop.example",
    )  # fmt: skip
    assert (status, problem["code"]) == (403, "secret-key-in-browser")
    assert service.ask("GET", "/supabase/pg/query", authorization=f"Bearer {secret}")[0] == 403
    assert service.ask("GET", "/supabase/auth/v1/admin/users")[0] == 401
    assert len(supabase.calls) == reached
    status, _ = service.ask("GET", "/supabase/rest/v1/notes", authorization=f"Bearer {secret}",
                            apikey=secret)  # fmt: skip
    assert status == 200
