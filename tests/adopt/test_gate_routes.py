"""What `gate --check` is told of a prototype: a table that was just made is not stale."""

import json
from pathlib import Path

import pytest
from guardrails import gate_routes

PROTOTYPES = Path(__file__).parent.parent / "prototypes"


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[set[str], set[str]]:
    assert gate_routes.main(arguments) == 0
    seen = json.loads(capsys.readouterr().out)
    routes = {f"{route['method']} {route['pattern']}" for route in seen["routes"]}
    return routes, set(seen["others"])


def test_routes_files_and_nothing_of_the_service(capsys: pytest.CaptureFixture[str]) -> None:
    root = str(PROTOTYPES / "van-hire")
    routes, others = told(capsys, "--root", root)
    assert {"GET /api/vans", "POST /webhooks/stripe", "POST /api/bookings/{id}/cancel"} <= routes
    assert {"/", "/app.js", "/index.html"} <= others
    routes, _ = told(capsys, "--root", root, "--without", "routes")
    assert routes == set()


def test_edge_functions_where_the_facade_has_them(capsys: pytest.CaptureFixture[str]) -> None:
    root = str(PROTOTYPES / "corner-shop")
    routes, others = told(capsys, "--root", root, "--supabase-at", "/supabase")
    assert routes == {"* /supabase/functions/v1/notify"}
    assert "/supabase/rest/**" in others
    assert told(capsys, "--root", root)[0] == set()


def test_pages_of_nextjs(capsys: pytest.CaptureFixture[str]) -> None:
    routes, others = told(capsys, "--root", str(PROTOTYPES / "allotment"))
    assert "GET /api/plots/{id}" in routes
    assert "/notices" in others
