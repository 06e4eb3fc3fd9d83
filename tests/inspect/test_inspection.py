"""From what the guards print to levels, issues, gaps and next steps."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from documents import RULES, document, inspection, modules, result

from roadworthy.inspection import AreaLevel, Inspection, Severity, State, faults_of, steps
from roadworthy.inspection.copies import copies_in
from roadworthy.inspection.difference import difference
from roadworthy.inspection.run import Wanted, gather
from roadworthy.refusal import BadAnswer, CantLook
from roadworthy.report.chart import chart


def area(found: Inspection, name: str) -> AreaLevel:
    return next(it for it in found.areas if it.area == name)


def given(*results: dict[str, Any], not_checked: tuple[dict[str, Any], ...] = ()) -> Inspection:
    content = document()
    content["runs"][0]["results"] = list(results)
    content["runs"][0]["properties"]["notChecked"] = list(not_checked)
    return gather(content, {}, RULES, "shop")


def test_there_are_ten_areas() -> None:
    assert len(inspection().areas) == 10


def test_a_critical_fault_blocks_its_area_and_the_whole() -> None:
    found = given(result("secret.committed", "a.ts", 1, "A key"))
    assert area(found, "secrets").level == 0
    assert area(found, "secrets").state is State.FAIL
    assert found.level == 0


@pytest.mark.parametrize(("severity", "level"), [("high", 1), ("medium", 2), ("low", 3)])
def test_a_lesser_fault_holds_higher(severity: str, level: int) -> None:
    found = given(result("secret.committed", "a.ts", 1, "A key", severity=severity))
    gate = area(found, "secrets").gates[1]
    assert gate.holds_at == level
    assert gate.state is (State.PASS if severity == "low" else State.FAIL)


def test_what_was_not_checked_is_no_pass() -> None:
    gap = {"what": "the tree", "why": "no scanner", "rules": ["secret.committed"]}
    gate = area(given(not_checked=(gap,)), "secrets").gates[1]
    assert gate.state is State.NOT_CHECKED
    assert gate.holds_at == 0
    assert "no scanner" in gate.evidence


def test_an_empty_folder_passes_nothing() -> None:
    content = document()
    content["runs"][0]["results"] = []
    content["properties"]["tree"]["files"] = 0
    found = gather(content, {}, RULES, "empty")
    assert State.PASS not in {area.state for area in found.areas}
    assert found.level == 0


def test_a_rule_that_was_left_out_is_not_checked() -> None:
    found = inspection(heeded=RULES - {"secret.committed"})
    assert area(found, "secrets").gates[1].state is State.NOT_CHECKED
    assert "secret.committed" not in {issue.rule for issue in found.issues}


def test_without_a_database_its_questions_are_moot() -> None:
    content = document()
    content["properties"]["stack"]["database"] = []
    content["runs"][0]["results"] = []
    found = gather(content, {}, RULES, "shop")
    assert area(found, "backups").state is State.NOT_APPLICABLE


def test_the_same_fault_is_one_issue_with_all_its_places() -> None:
    found = inspection()
    floats = [issue for issue in found.issues if issue.rule == "money.float"]
    assert len(floats) == 1
    assert floats[0].count == len(floats[0].places) == 30
    assert floats[0].message.startswith("The fault money.float: 30 places in 30 files.")


def open_table(name: str, line: int, **about: Any) -> dict[str, Any]:
    return result("rls.disabled", "a.sql", line, f"Anybody can read rows of `{name}`", **about)


def test_one_rule_is_one_row_that_names_what_it_befell() -> None:
    found = given(*(open_table(name, line) for line, name in enumerate(("a", "b", "c", "d"), 1)))
    (fault,) = faults_of(found.issues, found.rules)
    assert fault.names == ("a", "b", "c", "d")
    assert fault.message == "The fault rls.disabled: `a`, `b`, `c` and `d`"
    assert (fault.count, len(found.issues)) == (4, 4)


def test_what_is_less_bad_is_a_row_of_its_own() -> None:
    found = given(open_table("orders", 1), open_table("prices", 9, severity="info"))
    assert [it.severity.label for it in faults_of(found.issues, found.rules)] == [
        "critical",
        "info",
    ]


def test_further_places_of_one_hole_are_no_further_holes() -> None:
    hole = open_table("orders", 3)
    hole["locations"] *= 3
    hole["locations"][1] = result("rls.disabled", "b.sql", 9, "")["locations"][0]
    (issue,) = given(hole).issues
    assert (issue.count, len(issue.places)) == (1, 2)


def test_the_way_of_a_request_begins_where_it_comes_in() -> None:
    content = document()
    run = content["runs"][0]
    run["tool"]["driver"]["name"] = "routes"
    hole = result("authz.unauthenticated-endpoint", "server/store.ts", 40, "It deletes")
    entry = result("authz.unauthenticated-endpoint", "server/routes.ts", 8, "")["locations"][0]
    entry["logicalLocations"] = [{"fullyQualifiedName": "DELETE /api/orders/:id"}]
    hole["locations"].append(entry)
    run["results"] = [hole]
    (issue,) = gather(content, {}, RULES, "shop").issues
    assert [str(place) for place in steps(issue)] == ["server/routes.ts:8", "server/store.ts:40"]


def test_a_next_step_names_what_it_is_done_to() -> None:
    found = given(open_table("orders", 1), open_table("people", 9))
    assert found.actions[0].about == ("orders", "people")


def test_two_rules_at_one_line_are_one_next_step() -> None:
    found = given(
        result("rls.disabled", "a.ts", 9, "open"),
        result("secret.committed", "a.ts", 10, "a key"),
        result("xss.html-injection", "b.ts", 9, "as html"),
    )
    assert [it.rule for it in found.actions] == ["rls.disabled", "xss.html-injection"]


def test_two_guards_that_see_one_hole_make_one_issue() -> None:
    hole = result("rls.disabled", "a.sql", 3, "orders is open")
    assert len(given(hole, hole).issues) == 1


def test_what_has_a_name_is_one_issue_wherever_it_shows() -> None:
    found = given(
        *(
            result("secret.committed", path, 4, f"`{name}` is out", detail={"subject": name})
            for path, name in (("a.ts", "KEY"), ("b.ts", "KEY"), ("c.ts", "KEY"), ("d.ts", "PIN"))
        )
    )
    assert sorted(issue.message for issue in found.issues) == [
        "`KEY` is out. The same in b.ts and 1 more.",
        "`PIN` is out",
    ]
    assert [len(issue.places) for issue in found.issues] == [3, 1]


def test_what_is_wrong_in_a_copy_too_is_told_once_and_names_the_copy() -> None:
    content = document()
    content["runs"][0]["results"] = [
        result("rls.disabled", path, 3, "Anybody can read rows of `orders`")
        for path in ("apps/old/supabase/1_a.sql", "supabase/1_a.sql", "other/1_a.sql")
    ]
    content["properties"]["copies"] = {"apps/old/supabase/1_a.sql": "supabase/1_a.sql"}
    issues = gather(content, {}, RULES, "shop").issues
    copy = "apps/old/supabase/1_a.sql is a copy, with the same fault."
    assert sorted((str(issue.places[0]), issue.message) for issue in issues) == [
        ("other/1_a.sql:3", "Anybody can read rows of `orders`"),
        ("supabase/1_a.sql:3", f"Anybody can read rows of `orders`. {copy}"),
    ]


def test_copies_are_known_by_their_content(tmp_path: Path) -> None:
    chain = "create table orders (id uuid primary key, total numeric not null);\n" * 9
    files = {
        "supabase/a.sql": chain,
        "apps/web/a.sql": chain.replace("\n", "\r\n"),
        "apps/web/b.sql": chain.replace("total", "sum"),
        "apps/web/short.sql": "select 1;\n",
        "short.sql": "select 1;\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(text.encode())
    (tmp_path / "apps/web/linked.sql").symlink_to(tmp_path / "supabase/a.sql")
    content = document()
    content["runs"][0]["results"] = [
        result("rls.disabled", name, 1, "open")
        for name in (*files, "apps/web/linked.sql", "gone.sql")
    ]
    assert copies_in(tmp_path, content) == {"apps/web/a.sql": "supabase/a.sql"}


def test_an_issue_keeps_its_key_when_lines_move() -> None:
    before = given(result("rls.disabled", "a.sql", 3, "orders is open")).issues[0]
    after = given(result("rls.disabled", "a.sql", 90, "orders is open")).issues[0]
    assert before.key == after.key


def test_two_alike_in_one_file_stay_two() -> None:
    found = given(*(result("rls.disabled", "a.sql", line, "open") for line in (3, 9)))
    assert len({issue.key for issue in found.issues}) == 2


def test_the_worst_and_surest_come_first() -> None:
    severities = [issue.severity for issue in inspection().issues]
    assert severities == sorted(severities, reverse=True)


def test_three_next_steps_worst_and_quickest_first() -> None:
    actions = inspection().actions
    assert [action.severity for action in actions] == sorted(
        (action.severity for action in actions), reverse=True
    )
    assert [action.rule for action in actions][:2] == ["rls.disabled", "secret.committed"]
    assert len(actions) == 3


def test_the_difference_is_of_sets() -> None:
    earlier = inspection().to_json()
    now = given(
        result("rls.disabled", "supabase/migrations/1_a.sql", 99, "Still open"),
        result("ci.none", "", 0, "No workflow"),
        result("secret.committed", "other.ts", 1, "Another key"),
    )
    change = difference(earlier, now)
    assert [now.issues[0].rule, len(change.appeared)] == ["rls.disabled", 1]
    assert "A live key of a mail service (re_9k…) is in the tree" in change.gone


def test_a_damaged_earlier_inspection_is_refused() -> None:
    with pytest.raises(BadAnswer, match="damaged"):
        difference({"issues": [{}], "areas": []}, inspection())


def test_no_sarif_of_ours_is_refused() -> None:
    with pytest.raises(CantLook):
        gather({"runs": [{"tool": 3}]}, {}, RULES, "shop")


def test_an_unknown_rule_names_those_near_it() -> None:
    with pytest.raises(BadAnswer, match=r"rls\.disabled"):
        Wanted(only=("rls.disable",)).of(RULES)
    assert Wanted(only=("rls.*",), skip=("rls.d*",)).of(RULES) == frozenset()


def test_the_map_stands_even_on_a_cycle() -> None:
    content = modules()
    content["edges"].append({"from": "src/integrations", "to": "src/pages", "count": 1})
    drawn = chart(content)
    assert drawn is not None
    assert len(drawn.boxes) == 6
    assert len(drawn.broken) == 3
    assert chart(None) is None


def test_a_map_of_many_modules_keeps_the_largest_and_those_at_fault() -> None:
    nodes = [{"id": f"m{at}", "files": 1, "lines": at} for at in range(100)]
    edges = [{"from": "m0", "to": "m1", "count": 1, "broken": 1, "why": "why"}]
    drawn = chart({"nodes": nodes, "edges": edges})
    assert drawn is not None
    assert {"m0", "m1", "m99"} <= {box.id for box in drawn.boxes}
    assert drawn.left_out == 76


def test_severities_are_labels_in_json() -> None:
    content = inspection().to_json()
    assert content["issues"][0]["severity"] == Severity.CRITICAL.label
    assert replace(inspection(), looked_at="").to_json()["looked_at"] == ""
