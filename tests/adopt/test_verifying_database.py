"""A server that wants a PostgreSQL and was given none is started with an empty one."""

import json
from pathlib import Path

import pytest
from node_packages import needs_npm
from stamping import Project

from roadworthy.verifying import Workplace
from roadworthy.verifying.database import schemes_wanted
from roadworthy.verifying.smoke import Smoke

SERVER = """
const net = require('net');
const address = new URL(process.env.DATABASE_URL);
const asked = net.connect(Number(address.port), address.hostname, () =>
  asked.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])));
asked.on('data', (said) => require('http').createServer((_, response) => {
  response.setHeader('Content-Type', 'text/plain');
  response.end('PostgreSQL says ' + said.toString());
}).listen(process.env.PORT, '127.0.0.1'));
"""
"""Throws without an address, and serves once who listens there answers an SSLRequest."""
INSISTING = """
if (!process.env.SESSION_KEY) throw new Error('Invalid environment variables');
const said = `${process.env.SESSION_KEY}, ${process.env.GREETING}`;
require('http').createServer((_, response) => response.end(said))
  .listen(process.env.PORT, '127.0.0.1');
"""
MANIFEST = json.dumps({"dependencies": {"pg": "8"}, "scripts": {"start": "node server.js"}})


def laid_out(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


@needs_npm
@pytest.mark.usefixtures("kept_environment")
@pytest.mark.parametrize("given", ["", "DATABASE_URL=postgresql://127.0.0.1:1/theirs\n"])
def test_a_server_that_wants_a_database_is_asked(
    given: str, place: Workplace, adopted: Project
) -> None:
    copy = place.copy(adopted.path, "after")
    laid_out(copy, {"package.json": MANIFEST, "server.js": SERVER})
    laid_out(copy, {".env": given})
    smoke = Smoke(place, copy, adopted.answers, place.scratch / "venv-0", (), print)
    steps = {step.name: step for step in smoke.steps(wanted=True)}
    if given:
        assert steps["facade"].said.startswith("the prototype does not start: ")
    else:
        assert steps["facade: front page"].passed, [step.said for step in steps.values()]
        assert steps["facade: front page"].said == "/: 200, 17 bytes"


@needs_npm
@pytest.mark.usefixtures("kept_environment")
def test_a_server_that_wants_settings_is_started_with_its_own_example(
    place: Workplace, adopted: Project
) -> None:
    """`PORT` is ours to say, and what an env file gives, which this one does not read, is not the
    example's.
    """
    copy = place.copy(adopted.path, "after")
    example = "SESSION_KEY='of the example'\nPORT=1\nGREETING=Hello\n"
    files = {"package.json": '{"scripts": {"start": "node server.js"}}', "server.js": INSISTING}
    laid_out(copy, {**files, ".env.example": example, ".env": "GREETING=Servus\n"})
    smoke = Smoke(place, copy, adopted.answers, place.scratch / "venv-0", (), print)
    steps = {step.name: step for step in smoke.steps(wanted=True)}
    assert steps["facade: front page"].passed, [step.said for step in steps.values()]
    assert steps["facade: front page"].said == "/: 200, 25 bytes"


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({}, {"DATABASE_URL": "postgresql"}),
        ({".env": "DATABASE_URL=\n"}, {"DATABASE_URL": "postgresql"}),
        ({".env": "export DATABASE_URL=postgresql://db/x\n"}, {}),
        ({".env.example": "DATABASE_URL=postgresql://db/x\n"}, {"DATABASE_URL": "postgresql"}),
        ({"app/.env.local": "DATABASE_URL=postgresql://db/x\n"}, {}),
        ({"app/server.js": "process.env.MY_DATABASE_URL"}, {}),
        ({"app/package.json": '{"dependencies": {"mysql2": "3"}}'}, {}),
        (
            {"app/server.js": "env.DIRECT_URL, env.DATABASE_URL"},
            {"DATABASE_URL": "postgresql", "DIRECT_URL": "postgresql"},
        ),
        (
            {
                "app/package.json": "{}",
                "app/prisma/schema.prisma": 'provider = "postgresql"\nurl = env("POSTGRES_URL")',
                "app/server.js": "",
            },
            {"POSTGRES_URL": "postgresql"},
        ),
        (
            {
                "app/requirements.txt": "asyncpg\nsqlalchemy\n",
                "app/db.py": 'create_async_engine(os.environ["DATABASE_URL"])',
            },
            {"DATABASE_URL": "postgresql+asyncpg"},
        ),
        ({"app/server.js": "", "app/node_modules/x/index.js": SERVER}, {}),
        ({"app/server.js": "", "app/service/settings.py": "DATABASE_URL"}, {}),
    ],
)
def test_finds_out_which_database_is_wanted(
    files: dict[str, str], wanted: dict[str, str], tmp_path: Path
) -> None:
    laid_out(tmp_path, {"app/package.json": MANIFEST, "app/server.js": SERVER, **files})
    app = tmp_path / "app"
    assert schemes_wanted(tmp_path, app, [app / "service"]) == wanted
