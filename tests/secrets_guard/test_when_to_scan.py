"""The scanner is started where one of its rules may match, and left alone where none can."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from guardrails import gate
from guardrails.engine.guard import Looked
from guardrails.engine.tree import walk
from guardrails.gate import NotChecked
from guardrails.guards.secrets import look, search
from guardrails.guards.secrets.worthwhile import MARKS, is_worth_starting
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marks import patterns, written

PAGE = """\
import { Button } from "@/components/ui/button";
export default function Orders() {
  const { data } = await supabase.from("orders").select("*");
  return <Button className="text-muted-foreground hover:bg-primary/90">Save</Button>;
}
"""
KEY = "SK" + "c9c80127fcd994ee" + "92dcb03971d805fb"


def staged(folder: Path, text: str) -> Looked:
    (folder / "orders.tsx").write_text(text, encoding="utf-8")
    tree = walk(folder)
    return look(replace(tree, tracked=None, selected=frozenset(tree.files)))


def never(*_: object) -> Any:
    raise NotChecked("it was started")


def test_what_is_known_of_the_scanner_is_what_it_tells() -> None:
    assert MARKS.read_text(encoding="utf-8") == written(), "run tests/secrets_guard/marks.py"


@settings(
    max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(st.sampled_from(patterns()).flatmap(st.from_regex))
def test_whatever_a_rule_of_the_scanner_matches_is_worth_starting_it(text: str) -> None:
    assert is_worth_starting([text])
    assert is_worth_starting([PAGE, text.upper() if text.isascii() else text])


def test_files_in_which_no_rule_can_match_are_not_scanned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "scan", never)
    assert "broken" not in staged(tmp_path, PAGE).facts
    assert staged(tmp_path, PAGE + f'const account = "{KEY}";\n').facts["broken"]


def test_a_key_of_a_provider_in_a_staged_page_is_found(tmp_path: Path) -> None:
    (found,) = staged(tmp_path, PAGE + f'const account = "{KEY}";\n').findings
    assert (found.rule, found.place.line) == ("secret.committed", 6)


@pytest.mark.parametrize("text", [None, "x" * 400_000])
def test_what_can_not_be_told_in_time_is_scanned(text: str | None) -> None:
    assert is_worth_starting([text])


def test_another_version_of_the_scanner_is_started_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not is_worth_starting([PAGE])
    monkeypatch.setattr(import_module("kingfisher"), "__version__", "3.0.0")
    assert is_worth_starting([PAGE])


def test_a_scanner_that_is_missing_is_missed_where_it_had_nothing_to_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise NotChecked(f"{name} is not installed")

    for module in (gate, search):
        monkeypatch.setattr(module, "program", missing)
    assert "kingfisher is not installed" in staged(tmp_path, PAGE).facts["broken"]
