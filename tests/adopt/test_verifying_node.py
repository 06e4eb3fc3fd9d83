"""Which Node a prototype asks for, and what its failures say where there is another."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from adopting import needs_landlock, states
from node_packages import needs_npm

from roadworthy.verifying import (
    State,
    Step,
    Subject,
    Verification,
    Workplace,
    as_answer,
    compare,
    own_checks,
    verify_before,
)


@pytest.mark.parametrize(
    ("files", "version", "where"),
    [
        ({}, "24", ""),
        ({".nvmrc": "v22.14.0\n"}, "22", ".nvmrc"),
        ({".nvmrc": "lts/*\n", "package.json": '{"engines": {"node": ">=18"}}'}, "24", "engines"),
        ({"package.json": '{"engines": {"node": ">=18.0.0 <21"}}'}, "20", "engines"),
        ({"package.json": '{"engines": {"node": "^20.19.0 || >= 22.12.0"}}'}, "24", "engines"),
        ({"package.json": '{"engines": {"node": "16 - 18"}}'}, "18", "engines"),
        ({"package.json": '{"engines": "all"}'}, "24", ""),
        (
            {"package.json": '{"volta": {"node": "20.1.0"}}', ".node-version": "stable"},
            "20",
            "volta",
        ),
        ({"../.github/workflows/ci.yml": "  - node-version: '22.x' # x\n"}, "22", "ci.yml"),
        ({"../.github/workflows/ci.yml": "node-version: [18, 20.x]\n"}, "20", "ci.yml"),
        ({"../.github/workflows/ci.yml": "node-version: ${{ matrix.node }}\n"}, "24", ""),
        ({"../.github/workflows/guardrails.yml": "node-version: '18'\n"}, "24", ""),
        ({"../.gitlab-ci.yml": "image: node:22-alpine\n"}, "22", ".gitlab-ci.yml"),
    ],
)
def test_finds_out_which_node_is_asked_for(
    files: dict[str, str], version: str, where: str, tmp_path: Path
) -> None:
    for name, content in {"package.json": "{}", **files}.items():
        file = (tmp_path / "app" / name).resolve()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    (app,) = own_checks(tmp_path, ["app"])
    assert app.version == version
    place = {"engines": "package.json", "volta": "package.json"}.get(where, where)
    assert app.node.where.endswith(place) if app.node else not where


@pytest.mark.parametrize(
    ("asked", "version", "allowed"),
    [
        (">=22", (20, 20, 2), False),
        ("22", (22, 3, 0), True),
        ("22", (23, 0, 0), False),
        ("=20.1", (20, 1, 9), True),
        ("^20.19.0 || >=22.12.0", (20, 18, 9), False),
        ("^20.19.0 || >=22.12.0", (22, 12, 0), True),
        ("^20.19.0 || >=22.12.0", (21, 0, 0), False),
        ("~18.4", (18, 5, 0), False),
        (">=16 <=18.x", (18, 99, 0), True),
        (">18.x", (18, 99, 0), False),
        ("18.x - 20", (20, 9, 0), True),
        ("*", (20, 0, 0), True),
        ("v20.0.0-nightly", (20, 0, 0), True),
    ],
)
def test_reads_a_range_as_npm_does(
    asked: str, version: tuple[int, int, int], allowed: object, tmp_path: Path
) -> None:
    (tmp_path / "package.json").write_text(json.dumps({"engines": {"node": asked}}))
    (app,) = own_checks(tmp_path, ["."])
    assert app.node is not None
    assert app.node.allows(version) is allowed


FAILURES = {
    "console.warn('Node.js 18 is deprecated, use Node.js 22 or later'); process.exit(1)": False,
    "console.error('You are running Node.js 20, Vite requires 22.12'); process.exit(1)": True,
    "import('node:bells')": True,
}


@needs_npm
@pytest.mark.parametrize(("test", "node"), FAILURES.items())
def test_a_failure_for_want_of_another_node_is_no_verdict(
    place: Workplace, tmp_path: Path, test: str, node: object
) -> None:
    """It fails here before and after; where it is at home it may pass, so CI asks it there."""
    scripts = {"build": "node -e 1", "test": f'node -e "{test}"'}
    manifest = {"name": "bells", "version": "1.0.0", "scripts": scripts}

    def asked(version: str) -> tuple[Verification, dict[str, str]]:
        text = json.dumps(manifest | {"engines": {"node": version}})
        (tmp_path / "package.json").write_text(text)
        subject = Subject(tmp_path, {"app": "."})
        verification = verify_before(place, subject, consent=True)
        return verification, as_answer(subject.checks, verification)[0]

    at_home, answer = asked(">=1")
    assert states(at_home) == {"install": "passed", "build": "passed", "tests": "failed"}
    assert "tests" not in answer
    elsewhere, answer = asked("99")
    step = elsewhere.steps[-1]
    if not node:
        assert step.state is State.FAILED
        return
    assert step.state is State.NOT_CHECKED, step.said
    assert "it asks for Node 99 (package.json), and this machine has " in step.said
    assert answer["tests"] == "npm run test"
    # What passed before is no longer sure of anything.
    assert [str(it) for it in compare(Verification((passed(elsewhere),)), elsewhere)] == [
        "tests passed before; after: not checked"
    ]


def passed(verification: Verification) -> Step:
    return replace(verification.steps[-1], state=State.PASSED)


PRISMA = {
    "name": "bells",
    "dependencies": {"@prisma/client": "6"},
    "devDependencies": {"prisma": "6"},
}


@pytest.mark.parametrize(
    ("manifest", "files", "told"),
    [
        (PRISMA, {"prisma/schema.prisma": ""}, "npx --no-install prisma generate"),
        (PRISMA, {"prisma/schema/shop.prisma": "", "yarn.lock": ""}, "yarn run prisma generate"),
        (PRISMA, {}, ""),
        ({"name": "bells"}, {"prisma/schema.prisma": ""}, ""),
        (
            PRISMA | {"scripts": {"build": "prisma generate && next build"}},
            {"prisma/schema.prisma": ""},
            "",
        ),
        (
            PRISMA | {"scripts": {"postinstall": "prisma generate && patch-package"}},
            {"prisma/schema.prisma": "", "pnpm-lock.yaml": ""},
            "pnpm run postinstall",
        ),
    ],
)
def test_what_installing_would_have_generated_is_generated(
    manifest: dict[str, object], files: dict[str, str], told: str, tmp_path: Path
) -> None:
    for name, content in {"package.json": json.dumps(manifest), **files}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    (answer,) = as_answer(own_checks(tmp_path, ["."]))
    assert answer.get("generate", "") == told


_WRITES = "node -e \"fs.writeFileSync('client.js', '')\""
_FETCHES = "node -e \"throw Error('ENOTFOUND binaries.prisma.sh')\""


@needs_npm
@pytest.mark.parametrize(
    ("postinstall", "found", "told"),
    [
        (_WRITES, {"generate": "passed", "build": "passed"}, {"generate", "build"}),
        # Where there is a network it may pass, so CI asks both there.
        pytest.param(
            _FETCHES,
            {"generate": "not checked", "build": "not checked"},
            {"generate", "build"},
            marks=needs_landlock,
        ),
        ("node nothing.js", {"generate": "failed", "build": "failed"}, set()),
    ],
)
def test_a_build_imports_what_is_generated(
    place: Workplace, tmp_path: Path, postinstall: str, found: dict[str, str], told: set[str]
) -> None:
    scripts = {"postinstall": postinstall, "build": "node client.js"}
    (tmp_path / "package.json").write_text(json.dumps({"name": "bells", "scripts": scripts}))
    subject = Subject(tmp_path, {"app": "."})
    verification = verify_before(place, subject, consent=True)
    assert states(verification) == {"install": "passed"} | found
    (answer,) = as_answer(subject.checks, verification)
    assert {"generate", "build"} & set(answer) == told


_CRASH = """\
/app/db.js:3
  throw new Error(why);
        ^

Error: no database is named
    at open (/app/db.js:3:9)

Node.js v20.20.2
"""

_UNSET = """\
pydantic_core._pydantic_core.ValidationError: 2 validation errors for Settings
DATABASE_URL
  Field required [type=missing, input_value={}, input_type=dict]
    For further information visit https://errors.pydantic.dev/2.13/v/missing
SECRET_KEY
  Field required [type=missing, input_value={}, input_type=dict]
    For further information visit https://errors.pydantic.dev/2.13/v/missing
"""


@pytest.mark.parametrize(
    ("said", "gist"),
    [
        (_UNSET, "refused: DATABASE_URL: Field required, SECRET_KEY: Field required"),
        ("build\nerror TS2554: Expected 1 argument\n", "error TS2554: Expected 1 argument"),
        (_CRASH, "Error: no database is named"),
        ("Node.js v20.20.2\n", "Node.js v20.20.2"),
        ("", ""),
    ],
)
def test_a_crash_is_told_by_its_error(said: str, gist: str) -> None:
    assert Step("facade", "node server.js", State.FAILED, said=said).gist == gist
