"""What was read once: of the rules from one start to the next, of a tree for all guards."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from guardrails.engine import rules
from guardrails.engine.check import recognised
from guardrails.engine.kept import kept
from guardrails.engine.tree import walk

RULE = """\
- id: made.up
  title: Made up
  severity: {severity}
  confidence: high
  area: delivery
  why: Because.
  mend: Mend it.
  example: |
    mended
  effort: minutes
  guards: [delivery]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "compiled"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "some.yaml").write_text(RULE.format(severity="high"), encoding="utf-8")
    return folder


def loaded(folder: Path) -> Any:
    rules.load.cache_clear()
    return rules.load(folder)


def everything_kept(folder: Path) -> list[Path]:
    return [path for path in (folder.parent / "compiled").rglob("*") if path.is_file()]


def test_every_rule_is_the_same_when_it_was_kept(folder: Path) -> None:
    for file in rules.FOLDER.glob("*.yaml"):
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "some.yaml").unlink()
    first = loaded(folder)
    (kept_file,) = everything_kept(folder)
    assert kept_file.name.endswith(".json")
    assert loaded(folder) == first


def test_what_is_kept_is_not_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = loaded(folder)
    monkeypatch.setattr(rules, "_read", lambda _: pytest.fail("it was read again"))
    assert loaded(folder) == first


def test_a_file_that_has_changed_is_read_again(folder: Path) -> None:
    file = folder / "some.yaml"
    assert loaded(folder)["made.up"].severity.label == "high"
    before = file.stat()
    file.write_text(RULE.format(severity="info"), encoding="utf-8")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert loaded(folder)["made.up"].severity.label == "info"


def test_a_file_that_is_gone_takes_its_rules_along(folder: Path) -> None:
    loaded(folder)
    (folder / "some.yaml").unlink()
    assert loaded(folder) == {}


@pytest.mark.parametrize("value", ["2026-11-23", "{1: one}"])
def test_a_value_that_json_has_not_is_read_each_time(folder: Path, value: str) -> None:
    with (folder / "some.yaml").open("a", encoding="utf-8") as file:
        file.write(f"  patterns: [{{since: {value}}}]\n")
    first = loaded(folder)
    assert everything_kept(folder) == []
    assert loaded(folder) == first


@pytest.mark.parametrize("text", ["", '{"of": [', "[]", '{"is": {}}', json.dumps({"of": 1})])
def test_what_was_cut_off_as_it_was_written_is_written_anew(folder: Path, text: str) -> None:
    first = loaded(folder)
    (kept_file,) = everything_kept(folder)
    whole = kept_file.read_bytes()
    kept_file.write_text(text, encoding="utf-8")
    assert loaded(folder) == first
    assert kept_file.read_bytes() == whole


def test_nothing_is_written_where_python_may_write_no_bytecode(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert loaded(folder)
    assert everything_kept(folder) == []


def test_a_disk_that_is_full_keeps_nothing_and_says_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    assert kept(folder / "rules.json", [], lambda: [1]) == [1]
    assert everything_kept(folder) == []


def test_what_was_read_of_a_tree_is_not_read_again_for_its_stack(tmp_path: Path) -> None:
    (tmp_path / "orders.ts").write_text("export {}\n", encoding="utf-8")
    tree = walk(tmp_path)
    assert tree.text("orders.ts")
    (tmp_path / "orders.ts").unlink()
    assert recognised(tree).text("orders.ts") == "export {}\n"
