"""The ratchet: what is old may stay and shrink, what is new is refused, and nothing is silent."""

import subprocess
import textwrap
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from guardrails.engine.baseline import Accepted, Baseline, CorruptBaseline, grown
from guardrails.engine.finding import Evidence, Finding, Place, Severity
from guardrails.engine.fingerprint import Fingerprint, fingerprints, hash_of
from guardrails.engine.ratchet import Verdict, judge
from guardrails.engine.rules import Area, Keeping, Rule
from guardrails.engine.scope import staged
from guardrails.engine.tree import Tree, walk
from guardrails.engine.waivers import Waived, apply_waivers
from guardrails.guards.secrets import look as look_for_secrets

Entries = dict[Fingerprint, Accepted | None]

TODAY = date(2026, 11, 21)
FLOAT = "money.float"
LEAK = "secret.committed"
OVERDUE = "waiver.expired"


def rule(name: str, *, baseline: Keeping = Keeping.ALWAYS) -> Rule:
    return Rule(
        id=name, title="t", severity=Severity.HIGH, confidence="high", area=Area.DATA, why="w",
        mend="m", example="e", effort="hours", guards=("patterns",), baseline=baseline,
    )  # fmt: skip


RULES = {
    FLOAT: rule(FLOAT),
    LEAK: rule(LEAK, baseline=Keeping.BELOW_HIGH),
    OVERDUE: rule(OVERDUE, baseline=Keeping.NEVER),
}


def tree_of(folder: Path, **files: str) -> Tree:
    for name, text in files.items():
        (folder / f"{name}.ts").write_text(textwrap.dedent(text), encoding="utf-8")
    return walk(folder)


def finding_at(tree: Tree, path: str, text: str, name: str = FLOAT, nth: int = 0) -> Finding:
    lines = (tree.text(path) or "").split("\n")
    numbers = [number for number, line in enumerate(lines, start=1) if text in line]
    return Finding(name, Place(path, numbers[nth]), "a message")


def judged(tree: Tree, findings: list[Finding], baseline: Baseline | None) -> Verdict:
    found = fingerprints(findings, tree)
    return judge(found, baseline, RULES, present=tree.files, today=TODAY)


def recorded(tree: Tree, findings: list[Finding]) -> Baseline:
    return Baseline(frozenset(RULES), dict.fromkeys(fingerprints(findings, tree)))


@pytest.fixture
def first_day(tmp_path: Path) -> tuple[Tree, Baseline]:
    tree = tree_of(tmp_path, shop="const a = 1;\nconst price = parseFloat(text);\n")
    return tree, recorded(tree, [finding_at(tree, "shop.ts", "price")])


def test_moved_and_reformatted_lines_are_the_same_finding(
    tmp_path: Path, first_day: tuple[Tree, Baseline]
) -> None:
    _, baseline = first_day
    later = tree_of(
        tmp_path, shop="// new\n\n\nconst a = 1\n\n  const price  = parseFloat( text )\n"
    )
    verdict = judged(later, [finding_at(later, "shop.ts", "price")], baseline)
    assert (len(verdict.old), verdict.new, verdict.gone) == (1, {}, [])


def test_a_renamed_file_keeps_its_findings(
    tmp_path: Path, first_day: tuple[Tree, Baseline]
) -> None:
    _, baseline = first_day
    (tmp_path / "shop.ts").rename(tmp_path / "checkout.ts")
    later = walk(tmp_path)
    verdict = judged(later, [finding_at(later, "checkout.ts", "price")], baseline)
    assert (len(verdict.old), verdict.new) == (1, {})


def test_a_copied_file_brings_new_findings(
    tmp_path: Path, first_day: tuple[Tree, Baseline]
) -> None:
    _, baseline = first_day
    (tmp_path / "copy.ts").write_bytes((tmp_path / "shop.ts").read_bytes())
    later = walk(tmp_path)
    both = [finding_at(later, path, "price") for path in ("shop.ts", "copy.ts")]
    assert [entry.path for entry in judged(later, both, baseline).new] == ["copy.ts"]


def test_another_text_in_the_same_line_is_new(
    tmp_path: Path, first_day: tuple[Tree, Baseline]
) -> None:
    _, baseline = first_day
    later = tree_of(tmp_path, shop="const a = 1;\nconst price = parseFloat(document.cookie);\n")
    verdict = judged(later, [finding_at(later, "shop.ts", "price")], baseline)
    assert (len(verdict.new), len(verdict.gone)) == (1, 1)


def test_one_more_of_the_same_is_new(tmp_path: Path, first_day: tuple[Tree, Baseline]) -> None:
    _, baseline = first_day
    line = "const price = parseFloat(text);\n"
    later = tree_of(tmp_path, shop=line * 2)
    both = [finding_at(later, "shop.ts", "price", nth=nth) for nth in (0, 1)]
    verdict = judged(later, both, baseline)
    assert (len(verdict.old), len(verdict.new)) == (1, 1)


def test_a_fix_never_fails(first_day: tuple[Tree, Baseline]) -> None:
    tree, baseline = first_day
    verdict = judged(tree, [], baseline)
    assert (verdict.new, len(verdict.gone)) == ({}, 1)


@pytest.mark.parametrize("name", [LEAK, OVERDUE])
def test_what_may_never_stay_is_new_even_when_it_was_recorded(name: str, tmp_path: Path) -> None:
    tree = tree_of(tmp_path, env="KEY\n")
    found = finding_at(tree, "env.ts", "KEY", name)
    assert len(judged(tree, [found], recorded(tree, [found])).new) == 1


@pytest.mark.parametrize(("name", "stays"), [(LEAK, True), (OVERDUE, False)])
def test_what_is_told_below_high_may_stay_until_it_gets_worse(
    name: str, tmp_path: Path, *, stays: bool
) -> None:
    tree = tree_of(tmp_path, env="KEY\n")
    found = replace(finding_at(tree, "env.ts", "KEY", name), severity=Severity.MEDIUM)
    baseline = recorded(tree, [found])
    assert bool(judged(tree, [found], baseline).old) is stays
    assert judged(tree, [replace(found, severity=Severity.HIGH)], baseline).new


@pytest.mark.parametrize(
    ("evidence", "stays"),
    [
        (Evidence.READ, True),
        (Evidence.REBUILT, True),
        (Evidence.EXECUTED, False),
        (Evidence.EXACT, False),
    ],
)
def test_somebody_may_know_better_than_what_was_read(
    evidence: Evidence, tmp_path: Path, *, stays: bool
) -> None:
    tree = tree_of(tmp_path, env="KEY\n")
    found = replace(finding_at(tree, "env.ts", "KEY", LEAK), evidence=evidence)
    accepted = Accepted("it is the gateway's", "ada", "2027-01-01")
    entries: dict[Fingerprint, Accepted | None] = dict.fromkeys(
        fingerprints([found], tree), accepted
    )
    assert bool(judged(tree, [found], Baseline(frozenset(RULES), entries)).old) is stays


def test_a_rule_that_came_later_arrives_apart(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, shop="price\n")
    found = finding_at(tree, "shop.ts", "price")
    verdict = judged(tree, [found], Baseline(frozenset({LEAK}), {}))
    assert (verdict.new, len(verdict.arrived)) == ({}, 1)


def test_an_acceptance_ends_on_its_day(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, shop="price\n")
    found = finding_at(tree, "shop.ts", "price")
    for until, new in (("2026-11-21", 0), ("2026-11-20", 1)):
        accepted = Accepted("read-only", "ada", until)
        entries: Entries = dict.fromkeys(fingerprints([found], tree), accepted)
        assert len(judged(tree, [found], Baseline(frozenset(RULES), entries)).new) == new


def test_a_baseline_is_what_it_was_after_writing_and_reading(
    first_day: tuple[Tree, Baseline],
) -> None:
    _, baseline = first_day
    accepted: Entries = {
        Fingerprint(FLOAT, "näme\n.ts", "", "0" * 16): Accepted("why", "ada", "2027-01-01")
    }
    whole = replace(baseline, entries=baseline.entries | accepted)
    assert Baseline.from_text(whole.to_text(), "b") == whole


@pytest.mark.parametrize(
    "harm",
    [
        lambda text: text.replace("shop.ts", "other.ts"),
        lambda text: text + "{}\n",
        lambda text: text + '{"rule": "money.float"}\n',
        lambda text: text + "<<<<<<< HEAD\n",
        lambda text: text + "[" * 100_000 + "\n",
        lambda text: text[:-20],
    ],
)
def test_a_baseline_changed_by_hand_is_refused(
    harm: Callable[[str], str], first_day: tuple[Tree, Baseline]
) -> None:
    with pytest.raises(CorruptBaseline, match=r"b:\d+ was not written by"):
        Baseline.from_text(harm(first_day[1].to_text()), "b")


def test_lines_may_be_taken_out_by_hand_and_merged(first_day: tuple[Tree, Baseline]) -> None:
    _, baseline = first_day
    lines = baseline.to_text().splitlines(keepends=True)
    kept = [line for line in lines if "shop.ts" not in line]
    assert Baseline.from_text("".join(kept), "b").entries == {}
    assert Baseline.from_text("".join(lines + kept), "b") == baseline


def test_a_branch_can_not_add_to_the_baseline_in_silence(first_day: tuple[Tree, Baseline]) -> None:
    _, before = first_day
    (old,) = before.entries
    another = replace(old, text="f" * 16)
    renamed = old.moved_to("checkout.ts")
    accepted: Entries = {another: Accepted("why", "ada", "2027-01-01")}
    assert grown(replace(before, entries=before.entries | {another: None}), before) == [another]
    assert grown(replace(before, entries=before.entries | accepted), before) == []
    assert grown(replace(before, entries={renamed: None}), before) == []


def waived(
    folder: Path, comment: str, name: str = FLOAT, evidence: Evidence = Evidence.READ
) -> Waived:
    tree = tree_of(folder, shop=f"{comment}\nconst price = parseFloat(text);\n")
    found = replace(finding_at(tree, "shop.ts", "price", name), evidence=evidence)
    return apply_waivers([found], tree, TODAY, RULES)


def test_a_waiver_with_date_and_reason_sets_a_finding_aside(tmp_path: Path) -> None:
    done = waived(tmp_path, "// guardrails: allow money.float until 2027-01-01 because read-only")
    assert (done.left, [waiver.reason for _, waiver in done.waived]) == ([], ["read-only"])


@pytest.mark.parametrize(
    ("comment", "fault"),
    [
        ("// guardrails: allow money.float", "waiver.invalid"),
        ("// guardrails: allow money.float until 2027-01-01", "waiver.invalid"),
        ("// guardrails: allow money.float because I say so", "waiver.invalid"),
        ("// guardrails: allow money.float until 2027-02-30 because no day", "waiver.invalid"),
        ("// guardrails: allow money.float until 2027-3-1 because no such form", "waiver.invalid"),
        ("// guardrails: allow money.float until spring because no date", "waiver.invalid"),
        ("// guardrails: allow money.float until 2026-11-20 because over", "waiver.expired"),
        ("// guardrails: allow time.naive until 2027-01-01 because other", "waiver.unused"),
    ],
)
def test_an_unsound_waiver_waives_nothing_and_is_a_finding(
    comment: str, fault: str, tmp_path: Path
) -> None:
    assert {finding.rule for finding in waived(tmp_path, comment).left} == {FLOAT, fault}


def test_what_is_no_line_for_a_parser_is_none_for_a_waiver(tmp_path: Path) -> None:
    comment = "// guardrails: allow money.float until 2027-01-01 because read-only"
    assert waived(tmp_path, f"const page = '\f \u2028 \x85';\n{comment}").left == []


@pytest.mark.parametrize(("line", "left"), [(1, 0), (2, 2), (3, 0), (4, 2)])
def test_a_waiver_may_stand_at_either_end_of_a_statement(
    tmp_path: Path, line: int, left: int
) -> None:
    code = ["const price = parseFloat(", "  text,", ");", "next();"]
    code[line - 1] += " // guardrails: allow money.float until 2027-01-01 because read-only"
    tree = tree_of(tmp_path, shop="\n".join(code) + "\n")
    found = Finding(FLOAT, Place("shop.ts", 1, 3), "A price is a float.")
    done = apply_waivers([found], tree, TODAY, RULES)
    assert len(done.left) == left


def test_what_can_not_be_waived_is_not(tmp_path: Path) -> None:
    comment = "// guardrails: allow secret.committed until 2027-01-01 because it is mine"
    assert not waived(tmp_path, comment, LEAK).left
    left = waived(tmp_path, comment, LEAK, Evidence.EXACT).left
    assert LEAK in {finding.rule for finding in left}


def test_layout_is_no_part_of_the_hash() -> None:
    assert hash_of("f('a', b,\n  )") == hash_of('f("a",b)')
    assert hash_of("f(a)") != hash_of("f(b)")


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_staged_files_are_judged_as_the_index_has_them(tmp_path: Path) -> None:
    repository, laid_out = tmp_path / "repository", tmp_path / "laid-out"
    repository.mkdir()
    laid_out.mkdir()
    (repository / "odd\nname.ts").write_text("staged", encoding="utf-8")
    (repository / "other.ts").write_text("not staged", encoding="utf-8")
    git(repository, "init", "-q")
    git(repository, "add", "odd\nname.ts")
    (repository / "odd\nname.ts").write_text("changed since", encoding="utf-8")
    tree = staged(repository, laid_out)
    assert tree.files == ("odd\nname.ts",)
    assert tree.text("odd\nname.ts") == "staged"
    assert list(look_for_secrets(tree).not_looked) == []
