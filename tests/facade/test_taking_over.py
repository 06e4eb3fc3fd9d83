"""The how-to on taking over a route, done as it says: the service answers first."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from textwrap import indent
from typing import Any

import pytest
from stamping import ROOT, Project
from standing import Database, Standing, standing
from supabase import Supabase

PAGE = (ROOT / "docs" / "how-to" / "take-over-a-route.md").read_text()
NOTIFY = "/supabase/functions/v1/notify"


def block(after: str) -> str:
    """The first block of code after these words of the page."""
    found = re.search(r"```\w+\n(.*?)```", PAGE[PAGE.index(after) :], re.DOTALL)
    assert found
    return found[1]


def put(project: Project) -> None:
    """What the page says, step by step."""
    package = project.path / "service" / "src" / project.package
    feature = package / "features" / "notify"
    feature.mkdir()
    for name in ("schemas.py", "service.py", "api.py", "__init__.py"):
        (feature / name).write_text(block(f"features/notify/{name}`"))
    settings = (package / "settings.py").read_text()
    imported = f"from pydantic import SecretStr\n\n{settings[settings.index('from .legacy') :]}"
    head = settings[: settings.index("from .legacy")]
    setting = indent(block("in the class `Settings`"), "    ")
    (package / "settings.py").write_text(head + imported + setting)
    app = (package / "app.py").read_text()
    app = re.sub(r"ROLES: .*?\n}\n", lambda _: block("that you did not name"), app, flags=re.DOTALL)
    app = app.replace(
        "from .legacy import", "from .features.notify import notify\nfrom .legacy import"
    )
    app = re.sub(r", legacy\]", ", notify, legacy]", app)
    (package / "app.py").write_text(app)
    gate = project.path / "service" / "gate.toml"
    gate.write_text(gate.read_text() + block("In `gate.toml`"))


@pytest.fixture(scope="module")
def taken(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Database:
    project = database.project.copy(tmp_path_factory.mktemp("taken") / "project")
    put(project)
    return replace(database, project=project)


@pytest.fixture(scope="module")
def service(
    taken: Database, supabase: Supabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Standing]:
    settings = {
        "PROTOTYPE_URL": supabase.url,
        "PROTOTYPE_ROUTES": f"/supabase={supabase.url}",
        "SUPABASE_URL": supabase.url,
        "SUPABASE_SECRET_KEY": supabase.anon_key("service_role"),
        "CORS_ORIGINS": "https://shop.example",
        "GATE_MODE": "enforcing",
    }
    with standing(taken, tmp_path_factory.mktemp("log"), **settings) as service:
        yield service


@pytest.fixture(autouse=True)
def _fresh(supabase: Supabase) -> None:
    supabase.calls.clear()


def test_whoever_may_is_answered_by_the_service(service: Standing, supabase: Supabase) -> None:
    supabase.orders = {7: "new"}
    token = supabase.token("wil@example.com", role="shopkeeper")
    notice = {"order_id": 7, "status": "sent"}
    status, answer = service.ask("POST", NOTIFY, notice, authorization=f"Bearer {token}")
    assert (status, answer) == (200, {"ok": True})
    assert supabase.orders == {7: "sent"}
    assert supabase.calls == ["PATCH /rest/v1/orders"]


def test_whoever_may_not_is_refused_and_the_old_function_is_not_asked(
    service: Standing, supabase: Supabase
) -> None:
    notice = {"order_id": 7, "status": "sent"}
    customer = {"authorization": f"Bearer {supabase.token('ada@example.com')}"}
    shopkeeper = {"authorization": f"Bearer {supabase.token('wil@example.com', role='shopkeeper')}"}
    asked: list[tuple[str, str, Any, dict[str, str], int]] = [
        ("POST", NOTIFY, notice, {}, 401),
        ("POST", NOTIFY, notice, customer, 403),
        ("POST", NOTIFY, notice | {"price": 0}, shopkeeper, 422),
        ("POST", NOTIFY, notice | {"status": "free"}, shopkeeper, 422),
        # Other spellings and methods, which the service's own route is not for.
        ("POST", f"{NOTIFY}/", notice, shopkeeper, 403),
        ("POST", NOTIFY.replace("notify", "Notify"), notice, shopkeeper, 403),
        ("POST", NOTIFY.replace("notify", "%6eotify"), notice, {}, 401),
        ("PUT", NOTIFY, notice, shopkeeper, 403),
    ]
    for method, path, body, headers, status in asked:
        assert service.ask(method, path, body, **headers)[0] == status, (method, path)
    assert supabase.calls == []


def test_the_rest_is_still_the_prototypes(service: Standing, supabase: Supabase) -> None:
    token = supabase.token("ada@example.com")
    path = "/supabase/functions/v1/remind"
    status, answer = service.ask("POST", path, {"to": "x"}, authorization=f"Bearer {token}")
    assert (status, answer["function"]) == (200, "remind")
    assert supabase.calls == ["POST /functions/v1/remind"]


def test_a_front_end_of_another_origin_may_ask_with_what_its_client_sends(
    service: Standing,
) -> None:
    status, _ = service.ask(
        "OPTIONS", NOTIFY, origin="https://shop.example", access_control_request_method="POST",
        access_control_request_headers="authorization,apikey,content-type,x-client-info",
    )  # fmt: skip
    assert status == 200


def test_what_the_page_shows_passes_the_gates_of_the_stamp(
    taken: Database, pytestconfig: pytest.Config
) -> None:
    commands = [["ruff", "check", "src"], ["lint-imports", "--no-cache"]]
    for command in [*commands, ["mypy"]] if pytestconfig.getoption("exhaustive") else commands:
        ran = subprocess.run(
            [shutil.which(command[0]) or command[0], *command[1:]],
            cwd=taken.service, env=taken.environment(), check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout
    taken.run("access", "--write")
    lock = (taken.service / "access.lock").read_text()
    assert f"POST    {NOTIFY}  orders:notify" in lock
    taken.run("gate", "--check")
