"""The route table of Python services, read across files, and what can't be read."""

import ast
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from guardrails.engine.finding import Finding
from guardrails.engine.guard import Looked
from guardrails.engine.tree import walk
from guardrails.guards.python import look
from guardrails.guards.python.facts.handlers import spread
from guardrails.guards.python.faults import crypto

GUARD = """
from fastapi import Header, HTTPException, status

def caller(authorization: str = Header(None)):
    if not authorization:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED)
    return authorization

def administrator(who=Depends(caller)):
    if who.role != "admin":
        raise HTTPException(403)
"""


def looked(folder: Path, files: Mapping[str, str]) -> Looked:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return look(walk(folder))


def table(folder: Path, files: Mapping[str, str]) -> dict[str, str]:
    routes = looked(folder, files).facts["python_routes"]
    return {f"{route['method']} {route['path']}": route["access"] for route in routes}


def test_checks_are_followed_through_routers_prefixes_and_aliases(tmp_path: Path) -> None:
    files = {
        "app/guard.py": GUARD,
        "app/teams.py": """
from typing import Annotated
from fastapi import APIRouter, Depends
from app.guard import caller
Caller = Annotated[str, Depends(caller)]
router = APIRouter(prefix="/teams")
@router.get("/open")
def open_(): ...
@router.get("/mine")
def mine(who: Caller): ...
""",
        "app/office.py": """
from fastapi import APIRouter
router = APIRouter()
@router.delete("/teams/{team_id}")
def remove(team_id: int): ...
""",
        "app/main.py": """
from fastapi import Depends, FastAPI
from app import office
from app.guard import administrator
from app.teams import router as teams_router
app = FastAPI()
app.include_router(teams_router, prefix="/api")
app.include_router(office.router, prefix="/office", dependencies=[Depends(administrator)])
""",
    }
    assert table(tmp_path, files) == {
        "GET /api/teams/open": "public",
        "GET /api/teams/mine": "caller",
        "DELETE /office/teams/{team_id}": "role",
    }


def test_a_middleware_stands_before_every_route_but_those_it_names(tmp_path: Path) -> None:
    files = {
        "main.py": """
from fastapi import FastAPI
from fastapi.responses import JSONResponse
app = FastAPI()
OPEN = ["/health"]
@app.middleware("http")
async def know_the_caller(request, call_next):
    if request.url.path not in OPEN and "token" not in request.headers:
        return JSONResponse({}, status_code=401)
    return await call_next(request)
@app.get("/health")
def health(): ...
@app.get("/letters")
def letters(): ...
"""
    }
    assert table(tmp_path, files) == {"GET /health": "public", "GET /letters": "caller"}


def test_a_blueprint_takes_the_prefix_of_its_registration(tmp_path: Path) -> None:
    files = {
        "rooms.py": """
from flask import Blueprint, abort, g
rooms = Blueprint("rooms", __name__, url_prefix="/old")
@rooms.before_request
def only_known():
    if g.user is None:
        abort(403)
@rooms.route("/<int:room_id>", methods=["GET", "DELETE"])
def room(room_id): ...
""",
        "app.py": """
from flask import Flask
from rooms import rooms
def create_app():
    app = Flask(__name__)
    app.register_blueprint(rooms, url_prefix="/rooms")
    @app.get("/")
    def home(): ...
    return app
""",
    }
    assert table(tmp_path, files) == {
        "GET /rooms/<int:room_id>": "caller",
        "DELETE /rooms/<int:room_id>": "caller",
        "GET /": "public",
    }


def test_the_permissions_of_the_rest_framework(tmp_path: Path) -> None:
    files = {
        "site/urls.py": """
from django.urls import include, path
urlpatterns = [path("api/", include("visits.urls"))]
""",
        "visits/urls.py": """
from django.urls import path
from . import views
urlpatterns = [path("open/", views.Open.as_view()), path("mine/", views.mine)]
""",
        "visits/views.py": """
from rest_framework.views import APIView
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny, IsAuthenticated
class Open(APIView):
    permission_classes = [AllowAny]
    def get(self, request): ...
@api_view(["POST"])
@permission_classes([IsAuthenticated])
def mine(request): ...
""",
    }
    assert table(tmp_path, files) == {"GET /api/open/": "public", "POST /api/mine/": "caller"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("print 'hello'\n", "Python 2"),
        ("def (:\n", "line 1"),
        ("x = " + "(" * 400 + ")" * 400, "nested|too"),
        ("x = " + "-" * 100_000 + "1", "nested|too"),
    ],
)
def test_what_can_not_be_parsed_is_said(tmp_path: Path, text: str, why: str) -> None:
    result = looked(tmp_path, {"old.py": text, "app.py": "from flask import Flask\n"})
    missed = list(result.not_looked)
    assert [entry.what for entry in missed] == ["old.py"]
    assert re.search(why, missed[0].why)


def test_a_part_that_stumbles_takes_nothing_from_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumbles(_table: object) -> list[Finding]:
        raise RecursionError

    monkeypatch.setattr(crypto, "look", stumbles)
    text = "from flask import Flask\napp = Flask(__name__)\napp.secret_key = 'swallow-over-lee'\n"
    result = looked(tmp_path, {"app.py": text})
    assert "auth.default-secret" in {finding.rule for finding in result.findings}
    (missed,) = result.not_looked
    assert (missed.what, missed.why) == ("python: crypto", "it stopped with RecursionError")
    assert "crypto.weak-random" in missed.rules
    # A check ends with an error for it, as for a guard that could not work at all.
    assert result.facts["broken"] == "python: crypto it stopped with RecursionError"


DJANGO_URLS = """
from django.urls import path
from .views import person_delete, stock
urlpatterns = [path("people/<int:user_id>/", person_delete), path("stock/", stock)]
"""

DJANGO_VIEWS = """
from django.contrib.auth.decorators import user_passes_test
from rest_framework.decorators import api_view
from rest_framework.response import Response
from .people import is_admin_user

def basic_auth_required(view):
    def wrapper(request, *args, **kwargs):
        user = from_header(request.META.get("HTTP_AUTHORIZATION", ""))
        if not user:
            response = Response({"error": "sign in first"}, status=401)
            response["WWW-Authenticate"] = "Basic"
            return response
        return view(request, *args, **kwargs)
    return wrapper

def _is_admin(user):
    return is_admin_user(user)

@user_passes_test(_is_admin)
def person_delete(request, user_id):
    User.objects.get(id=user_id).delete()

@api_view(["DELETE"])
@basic_auth_required
def stock(request):
    Stock.objects.all().delete()
"""


def test_what_a_test_of_the_user_asks_for_and_an_answer_with_a_name_that_refuses(
    tmp_path: Path,
) -> None:
    files = {"garden/urls.py": DJANGO_URLS, "garden/views.py": DJANGO_VIEWS}
    accesses = set(table(tmp_path, files).values())
    assert accesses == {"role", "caller"}


def test_a_record_whose_field_is_set_stays_the_callers_own() -> None:
    tree = ast.parse(
        "def settings():\n"
        "    garden = g.garden\n"
        "    garden.name = request.form.get('name')\n"
        "    typed = request.form.get('town')\n"
    )
    assert spread(tree.body[0], set()) == {"typed"}


def test_where_nobody_is_asked_every_place_to_mend_is_named(tmp_path: Path) -> None:
    """What may be meant for guests elsewhere is open here like all the rest."""
    findings = looked(
        tmp_path,
        {
            "app.py": """
from flask import Flask, request
from models import Booking, Price, db
app = Flask(__name__)
@app.delete("/bookings/<int:number>")
def cancel(number):
    db.session.delete(Booking.query.get(number))
@app.post("/bookings")
def book():
    db.session.add(Booking(day=request.json["day"]))
@app.get("/bookings/<int:number>")
def one(number):
    return Booking.query.filter_by(id=number).first()
@app.get("/prices")
def prices():
    return Price.query.all()
"""
        },
    ).findings
    told = next(one for one in findings if one.rule == "authz.none")
    assert [at.symbol for at in (told.place, *told.also)] == ["cancel", "book", "one"]
