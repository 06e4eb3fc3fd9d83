"""What an adoption adds passes the linter of a prototype that goes through its whole tree."""

import subprocess
from pathlib import Path

import pytest
from node_packages import needs_npm, npm
from stamping import Stamper

pytestmark = needs_npm
# Of no environment: a prototype for Node names no global of browsers, and the other way round.
CONFIG = 'import js from "@eslint/js";\nexport default [js.configs.recommended];\n'


@pytest.fixture(scope="module")
def linter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("eslint")
    (folder / "package.json").write_text(
        '{"dependencies": {"eslint": "10.15.0", "@eslint/js": "10.0.1"}}'
    )
    npm(folder, "install")
    (folder / "eslint.config.mjs").write_text(CONFIG)
    return folder


def lint(linter: Path, sources: list[Path]) -> subprocess.CompletedProcess[str]:
    for source in sources:
        (linter / source.name).write_bytes(source.read_bytes())
    return subprocess.run(
        ["node_modules/.bin/eslint", "--max-warnings=0", *(source.name for source in sources)],
        cwd=linter,
        capture_output=True,
        text=True,
        check=False,
    )


def test_eslint_finds_nothing(linter: Path, stamper: Stamper) -> None:
    project = stamper.stamp(mode="adopt", kind="node").path
    sources = [
        file
        for suffix in ("*.js", "*.mjs")
        for file in sorted(project.rglob(suffix))
        if ".venv" not in file.parts
    ]
    assert {"preload.mjs", "report.js"} <= {file.name for file in sources}
    ran = lint(linter, sources)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_eslint_looks(linter: Path, tmp_path: Path) -> None:
    planted = tmp_path / "planted.mjs"
    planted.write_text("process.exit(unknown);\n")
    ran = lint(linter, [planted])
    assert ran.returncode == 1
    assert "'process' is not defined" in ran.stdout
