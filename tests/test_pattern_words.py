"""ast-grep is given the patterns that can match: none that would have matched is missing."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from guardrails.engine.rules import load
from guardrails.engine.tree import walk
from guardrails.gate import program
from guardrails.guards.patterns.scan import patterns_of, scanning, write_rules
from guardrails.guards.patterns.words import Words

PROTOTYPES = Path(__file__).parent / "prototypes"


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"pattern": "localStorage.setItem($KEY, $VALUE)"}, "localStorage.setItem(a, b)"),
        ({"pattern": "$DB.$queryRawUnsafe($SQL, $$$)"}, "db.$queryRawUnsafe(a)"),
        ({"pattern": "$TEXT.slice(0, 10)"}, "day.slice(0, 10)"),
        ({"pattern": {"context": "({ url: $URL })", "selector": "pair"}}, "f({ link: x })"),
        ({"any": [{"pattern": "exec($A)"}, {"pattern": "eval($A)"}]}, "eval(x)"),
        ({"kind": "catch_clause"}, ""),
        ({"kind": "pair", "not": {"pattern": "exec($A)"}}, "a"),
        ({"kind": "pair", "has": {"field": "key", "regex": "^(map|forEach)$"}}, "a.forEach(b)"),
        ({"regex": "(?i)^(get_?)?passw(or)?d$"}, "const PASSWD = 1"),
        ({"regex": r"^fetch(?:Json){0,1}\(\s*['\"]https?:"}, 'fetch("http://x")'),
        ({"regex": r"storage[\s\S]*\.from\([^()]*\)[\s?]*\.url$"}, "storage.from(a)?.url"),
        ({"regex": r"^\p{Lu}\pL+ colou?r|(?:(?-u:none)|\x41b+c{2,})$"}, "«Été color»"),
        ({"regex": "(mock_|@example\\.(com|org))"}, "a@example.org"),
    ],
)
def test_what_may_be_there_is_looked_for(rule: dict[str, Any], text: str) -> None:
    assert Words([text.encode()]).can_match({"rule": rule})


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({"rule": {"pattern": "localStorage.getItem($KEY)"}}, "localStorage.setItem(a, b)"),
        ({"rule": {"any": [{"pattern": "exec($A)"}, {"pattern": "eval($A)"}]}}, "executed(x)"),
        ({"rule": {"all": [{"kind": "pair"}, {"pattern": "exec($A)"}]}}, "f(x)"),
        ({"rule": {"kind": "pair", "inside": {"regex": "^(map|forEach)$"}}}, "a.for(each)"),
        ({"rule": {"regex": "(?i)(get_?)?pass(word|wd)"}}, "const passport = 1"),
        ({"rule": {"pattern": "btoa($D)"}, "constraints": {"D": {"regex": "pin"}}}, "btoa(x)"),
    ],
)
def test_what_can_not_be_there_is_not_looked_for(entry: dict[str, Any], text: str) -> None:
    assert not Words([text.encode()]).can_match(entry)


def test_a_constraint_counts_where_all_that_matches_has_its_name() -> None:
    rule = {"any": [{"pattern": "btoa($DATA)"}, {"pattern": "atob($TEXT)"}]}
    assert Words([b"atob(x)"]).can_match({"rule": rule, "constraints": {"DATA": {"regex": "pin"}}})


def test_all_that_matches_is_matched(tmp_path: Path) -> None:
    """As with all patterns, on every prototype."""
    patterns = patterns_of(load())
    write_rules(tmp_path, patterns)
    for folder in sorted(path for path in PROTOTYPES.iterdir() if path.is_dir()):
        tree = walk(folder, versioned=False)
        files = list(tree.ending(".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs"))
        command = [program("ast-grep"), "scan", "--config", str(tmp_path / "sgconfig.yml")]
        command += ["--json=stream", "--no-ignore=hidden", "--", *files]
        ran = subprocess.run(command, cwd=tree.root, capture_output=True, text=True, check=True)
        records = map(json.loads, ran.stdout.splitlines())
        wanted = {(it["ruleId"], it["file"], it["range"]["start"]["line"] + 1) for it in records}
        with scanning(tree, files, patterns) as scanned:
            found = {(match.pattern, match.path, match.line) for match in scanned()}
        assert found == {(rule.rpartition("/")[0], path, line) for rule, path, line in wanted}
