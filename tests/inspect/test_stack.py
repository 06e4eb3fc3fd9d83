"""What a tree is made of, each fact with the file that shows it."""

import json
from pathlib import Path
from typing import Any

import pytest

from roadworthy.inspection.guardrails import recognise
from roadworthy.stack import Stack


def stack(root: Path, files: dict[str, str]) -> Stack:
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return Stack.of(recognise(root))


def package(**dependencies: str) -> str:
    return json.dumps(
        {"dependencies": {name.replace("__", "/"): it for name, it in dependencies.items()}}
    )


@pytest.mark.parametrize(
    ("files", "builder"),
    [
        ({"package.json": json.dumps({"devDependencies": {"lovable-tagger": "1"}})}, "Lovable"),
        ({"package.json": "{}", ".bolt/config.json": "{}"}, "Bolt"),
        ({"package.json": '{"name": "my-v0-project"}'}, "v0"),
        ({"main.py": "", ".replit": "run = 1"}, "Replit"),
        ({"backend/server.py": "", ".emergent/emergent.yml": "{}"}, "Emergent"),
        ({"CLAUDE.md": "# How we work"}, "Claude Code"),
        ({".cursorrules": "Be brief."}, "Cursor"),
    ],
)
def test_who_made_it(tmp_path: Path, files: dict[str, str], builder: str) -> None:
    assert stack(tmp_path, files).names("builder") == [builder]


def test_several_apps_in_one_repository_stay_apart(tmp_path: Path) -> None:
    found = stack(
        tmp_path,
        {
            "package.json": package(react="18", vite="5"),
            "api/requirements.txt": "fastapi==0.1\n# flask\nmotor\n",
            "api/server.py": "from fastapi import FastAPI\napp = FastAPI()\n",
            "admin/package.json": package(next="14"),
        },
    )
    assert {app.root: app.frameworks for app in found.apps} == {
        "": ("React", "Vite"),
        "admin": ("Next.js",),
        "api": ("FastAPI",),
    }
    assert [fact.app for fact in found.topics["database"]] == ["api"]


def test_a_server_that_is_commented_out_is_none(tmp_path: Path) -> None:
    found = stack(tmp_path, {"app.py": "# from flask import Flask\n# app = Flask(__name__)\n"})
    assert not found.names("frameworks")
    assert not found.names("exposed")


MADE = "from flask import Flask\napp = Flask(__name__)\n"
ROUTED = "from app import app, db\n@app.route('/')\ndef home():\n    return 'Bells'\n"
TAKEN = "from app import app\nimport routes\n"


@pytest.mark.parametrize(
    ("files", "served"),
    [
        ({"app.py": MADE, "main.py": ROUTED}, "main.py"),
        ({"app.py": f"{MADE}import main\n", "main.py": ROUTED}, "app.py"),
        ({"app.py": MADE, "routes.py": ROUTED, "main.py": TAKEN}, "routes.py"),
        (
            {
                "app.py": MADE,
                "routes.py": ROUTED,
                "main.py": TAKEN,
                ".replit": 'run = ["gunicorn", "--bind", "0.0.0.0:5000", "main:app"]\n',
            },
            "main.py",
        ),
        ({"app.py": MADE, "server.py": MADE, "Procfile": "web: gunicorn server:app"}, "server.py"),
        ({"app.py": MADE, "main.py": ROUTED, "Procfile": "web: gunicorn app:app"}, "app.py"),
        ({"app.py": MADE, "test_app.py": "from app import app\n"}, "app.py"),
    ],
)
def test_a_server_is_that_which_is_started(
    files: dict[str, str], served: str, tmp_path: Path
) -> None:
    """Where a builder makes it in one module and its routes in another, the first serves none."""
    found = stack(tmp_path, {"requirements.txt": "flask\n", **files})
    (server,) = [fact for fact in found.topics["exposed"] if fact.name == "a Flask server"]
    assert (server.shown_by, server.detail) == (served, "app")


DRIZZLE = 'import { defineConfig } from "drizzle-kit";\nexport default defineConfig({ %s });\n'


@pytest.mark.parametrize(
    ("file", "content", "names"),
    [
        (
            "prisma/schema.prisma",
            (
                'generator client {\n  provider = "prisma-client-js"\n}\n'
                'datasource db {\n  url = env("DATABASE_URL")\n  provider = "sqlite"\n}\n'
            ),
            {"Prisma", "SQLite"},
        ),
        (
            "prisma/schema.prisma",
            'datasource db {\n  provider = "mongodb"\n  url = env("DATABASE_URL")\n}\n',
            {"Prisma", "MongoDB"},
        ),
        ("drizzle.config.ts", DRIZZLE % 'dialect: "mysql"', {"Drizzle", "MySQL"}),
        ("drizzle.config.ts", DRIZZLE % "driver: 'pg'", {"Drizzle", "PostgreSQL"}),
        ("drizzle.config.ts", DRIZZLE % "dialect", {"Drizzle"}),
    ],
)
def test_to_what_a_mapper_speaks(file: str, content: str, names: set[str], tmp_path: Path) -> None:
    found = stack(tmp_path, {"package.json": package(express="4"), file: content})
    assert set(found.names("database")) == names


def test_how_it_is_reached(tmp_path: Path) -> None:
    found = stack(
        tmp_path,
        {
            "package.json": package(express="4", vite="5"),
            "server/index.ts": 'import express from "express";\nexpress().listen(5000);\n',
            "supabase/functions/notify/index.ts": "Deno.serve(() => new Response());\n",
            "supabase/functions/_shared/cors.ts": "export const cors = {};\n",
        },
    )
    assert found.names("exposed") == [
        "a browser app",
        "Supabase edge functions",
        "an Express server",
    ]
    shown = {fact.name: fact.shown_by for fact in found.topics["exposed"]}
    assert shown["an Express server"] == "server/index.ts"


@pytest.mark.parametrize(
    "broken",
    [
        {"package.json": "{not json"},
        {"package.json": "[1, 2]"},
        {"package.json": '{"dependencies": "all"}'},
        {"pyproject.toml": "[project\n"},
        {"pyproject.toml": "[project]\ndependencies = 3\n"},
        {"app.py": "FastAPI( = ="},
        {"requirements.txt": "=== \x00\n-r other.txt\n"},
    ],
)
def test_a_broken_manifest_is_no_crash(tmp_path: Path, broken: dict[str, Any]) -> None:
    assert stack(tmp_path, broken).apps


def test_a_script_outside_of_every_app_is_no_crash(tmp_path: Path) -> None:
    files = {
        "api/package.json": package(express="4"),
        "api/index.js": 'const app = require("express")()\napp.listen(3000)\n',
        "tidy.js": "console.log(1)\n",
    }
    assert "Express" in str(stack(tmp_path, files).names("exposed"))
