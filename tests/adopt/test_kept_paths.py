"""What a prototype has at the service's own addresses stays the prototype's."""

import re
from pathlib import Path

import pytest
from adopting import adopt
from stamping import Project, commit_all, git

from roadworthy.inspection import Inspection, Wanted, inspect
from roadworthy.planning import kept_paths
from roadworthy.planning.gate import Prototype
from roadworthy.planning.kept import ACCOUNTS

FASTAPI = """
from fastapi import APIRouter, Depends, FastAPI
from .people import current_user

app = FastAPI()
router = APIRouter(prefix="/auth")

@router.get("/me")
def me(user=Depends(current_user)):
    return user

@router.post("/login")
def login(): ...

@router.get("/password")
def form(): ...

app.include_router(router)
"""


def seen(folder: Path, server: str) -> Inspection:
    (folder / "app").mkdir(parents=True)
    (folder / "app/main.py").write_text(server, "utf-8")
    (folder / "app/people.py").write_text("def current_user(): ...\n", "utf-8")
    (folder / "requirements.txt").write_text("fastapi==0.115.0\n", "utf-8")
    return inspect(folder, Wanted(only=("authz.*",), history=False), lambda _: None)


def test_these_are_the_addresses_that_a_service_has(adopted: Project) -> None:
    lock = (adopted.path / "service/access.lock").read_text("utf-8")
    of_accounts = lock.partition("[auth]")[2].partition("[")[0]
    assert set(re.findall(r"^(\w+) +(\S+)", of_accounts, re.MULTILINE)) == ACCOUNTS


def test_the_same_path_by_another_method_is_no_matter(tmp_path: Path) -> None:
    assert kept_paths(seen(tmp_path, FASTAPI), Prototype("fastapi")) == ["/auth/me"]


@pytest.mark.parametrize(
    ("route", "kept"),
    [
        ('get("/auth/{what}")', ["/auth/me", "/auth/sessions"]),
        ('delete("/auth/sessions/{number}")', ["/auth/sessions"]),
        ('get("/{path:path}")', []),
        ('get("/api/auth/me")', []),
        ('post("/AUTH/log-in")', ["/auth/log-in"]),
    ],
)
def test_what_may_be_asked_for_there(tmp_path: Path, route: str, kept: list[str]) -> None:
    server = f"from fastapi import FastAPI\napp = FastAPI()\n@app.{route}\ndef it(): ...\n"
    assert kept_paths(seen(tmp_path, server), Prototype("fastapi")) == kept


def test_another_app_of_the_tree_keeps_nothing(tmp_path: Path) -> None:
    assert kept_paths(seen(tmp_path, FASTAPI), Prototype("fastapi", "web")) == []


def test_an_adoption_says_so_and_keeps_to_it(template: Path, tmp_path: Path) -> None:
    seen(tmp_path, FASTAPI)
    git(tmp_path, "init", "--quiet")
    commit_all(tmp_path, "Works now")
    ran = adopt(tmp_path, "--yes", "--only", "auth", "--template", str(template))
    assert ran.returncode == 0, ran.stderr
    assert "keeps /auth/me, which the service has too" in " ".join(ran.stdout.split())
    (settings,) = (tmp_path / "service/src").glob("*/settings.py")
    assert 'prototype_keeps: KeptPaths = ("/auth/me",)' in settings.read_text("utf-8")
