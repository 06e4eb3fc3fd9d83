"""What no rule reads is named, and holds down what it concerns."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from guardrails.engine.check import recognised
from guardrails.engine.tree import walk
from guardrails.guards.routes import look

from roadworthy.inspection import State, Wanted, inspect

PAGE = "export const page = () => null;\n"
GO = 'package main\n\nimport "net/http"\n\nfunc main() { http.ListenAndServe(":80", nil) }\n'


def package(*names: str) -> str:
    return json.dumps({"dependencies": dict.fromkeys(names, "1.0.0")})


def unread(folder: Path, files: Mapping[str, str]) -> list[str]:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return [entry.what for entry in look(recognised(walk(folder))).not_looked]


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"main.go": GO}, ["1 file of Go"]),
        ({"app/a.php": "<?php\n", "app/b.php": "<?php\n"}, ["2 files of PHP"]),
        ({"src/App.vue": "<template><b/></template>\n"}, ["1 file of Vue"]),
        ({"src/app.ts": PAGE, "schema.sql": "select 1;\n", "run.sh": "ls\n"}, []),
        # A shell for a phone around pages is no server.
        ({"src/app.ts": PAGE * 50, "android/Main.java": "class Main {}\n"}, []),
    ],
)
def test_a_language_that_no_rule_reads(
    files: dict[str, str], named: list[str], tmp_path: Path
) -> None:
    assert unread(tmp_path, files) == named


@pytest.mark.parametrize(
    ("files", "named"),
    [
        (
            {"package.json": package("@sveltejs/kit"), "src/routes/api/+server.ts": PAGE},
            ["the endpoints of SvelteKit"],
        ),
        ({"package.json": package("@sveltejs/kit"), "src/lib/dates.ts": PAGE}, []),
        (
            {"package.json": package("nuxt"), "server/api/orders.ts": PAGE},
            ["the endpoints of Nuxt"],
        ),
        (
            {"package.json": package("next", "@trpc/server"), "server/trpc.ts": PAGE},
            ["the endpoints of tRPC"],
        ),
        ({"package.json": package("next"), "app/page.tsx": PAGE}, []),
    ],
)
def test_a_framework_whose_endpoints_no_rule_follows(
    files: dict[str, str], named: list[str], tmp_path: Path
) -> None:
    assert unread(tmp_path, files) == named


def test_nobody_is_told_that_a_server_is_safe_which_nobody_read(tmp_path: Path) -> None:
    (tmp_path / "main.go").write_text(GO)
    found = inspect(tmp_path, Wanted(), lambda _: None)
    states = {area.area: area.state for area in found.areas}
    assert states["auth and access"] is State.NOT_CHECKED
    assert states["input handling"] is State.NOT_CHECKED
    assert states["delivery"] is State.FAIL
    assert found.level == 0
