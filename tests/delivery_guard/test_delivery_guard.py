"""The guard `delivery` on manifests that are odd, broken, or kept well."""

from pathlib import Path

import pytest
from guardrails.engine.finding import Severity
from guardrails.engine.tree import Tree, walk
from guardrails.guards.delivery import look
from guardrails.guards.delivery.versions import admits, requirement


def laid_out(folder: Path, files: dict[str, str]) -> Tree:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return walk(folder)


def rules(tree: Tree) -> set[str]:
    return {finding.rule for finding in look(tree).findings}


@pytest.mark.parametrize(
    ("stated", "pin"),
    [("flask>=3.1,<4", (3, 1, 2)), ("flask==3.1", (3, 1, 0)), ("flask", (1,))],
)
def test_a_specifier_admits(stated: str, pin: tuple[int, ...]) -> None:
    other = requirement(stated)
    assert other is not None
    assert admits(other, pin)


@pytest.mark.parametrize(
    ("stated", "pin"),
    [("flask>=3.1.1", (2, 3, 3)), ("flask~=3.1.0", (3, 2)), ("flask!=3.1.2", (3, 1, 2))],
)
def test_a_specifier_refuses(stated: str, pin: tuple[int, ...]) -> None:
    other = requirement(stated)
    assert other is not None
    assert not admits(other, pin)


@pytest.mark.parametrize(
    "files",
    [
        {"package.json": "{ broken"},
        {"package.json": '{"dependencies": ["x"], "scripts": 4, "engines": []}'},
        {"package.json": "[" * 100_000},
        {"pyproject.toml": "[project\n"},
        {"pyproject.toml": "[project]\ndependencies = 4\n[tool]\npoetry = 3\n"},
        {"tsconfig.json": '{"extends": ["./tsconfig.json"], "compilerOptions": 3}'},
        {"tsconfig.json": '{"extends": "./tsconfig.json"}'},
        {"requirements.txt": "==\n[x]\n@\nflask==1.2.3.4.5.6.7.8.9999999999999\n"},
        {".github/workflows/ci.yml": ": [\n"},
        {'odd\nname "q".py': "x = 1\n"},
    ],
)
def test_broken_input_is_no_crash(tmp_path: Path, files: dict[str, str]) -> None:
    assert "tests.none" in rules(laid_out(tmp_path, {"src/app.ts": "export {}\n", **files}))


def test_a_folder_without_code_is_left_alone(tmp_path: Path) -> None:
    assert rules(laid_out(tmp_path, {"notes.md": "Buy milk.\n"})) == set()


def test_advisories_are_said_not_to_be_looked_up(tmp_path: Path) -> None:
    (entry,) = look(laid_out(tmp_path, {"a.py": "x = 1\n"})).not_looked
    assert entry.rules == ("deps.vulnerable",)


def test_what_was_fitted_beside_a_prototype_is_no_source_of_its_own(tmp_path: Path) -> None:
    fitted = {
        "ops/prototype/node/preload.mjs": "export {};\n" * 4_000,
        "ops/prototype/node/tracing.mjs": "export {};\n",
        "ops/prototype/browser/report.js": "(() => {})();\n",
        "service/src/shop/legacy/port.py": "x = 1\n",
    }
    tree = laid_out(tmp_path, {"src/app.ts": "export {}\n", **fitted})
    (finding,) = (one for one in look(tree).findings if one.rule == "tests.none")
    assert finding.message == "No test for 1 source files."
    assert finding.severity is Severity.MEDIUM
