"""Every rendering, with hostile words of the prototype in every field."""

import json
import re
from html.parser import HTMLParser
from io import StringIO

import pytest
from documents import RULES, document, inspection, matrix, result
from rich.console import Console

from roadworthy.inspection import Inspection
from roadworthy.inspection.run import gather
from roadworthy.report import FORMATS, page, summary

PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><script>alert(1)</script>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "`<b onclick=alert(1)>`",
    "<!-- --!><svg onload=alert(1)>",
    "\udcff\x00\x1b[31m\u202e\u2066",
    "| ](javascript:alert(1)) `<b>` \n# heading",
)


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def parsed(text: str) -> Elements:
    elements = Elements()
    elements.feed(text)
    elements.close()
    return elements


def skeleton(found: Inspection) -> list[tuple[str, frozenset[str]]]:
    return [(tag, frozenset(attrs)) for tag, attrs in parsed(page(found)).seen]


@pytest.mark.parametrize("word", PAYLOADS)
def test_no_word_of_the_prototype_becomes_an_element_or_attribute(word: str) -> None:
    # A line break in a snippet is a line more, and what stands between backticks is code.
    assert skeleton(inspection(word.translate({10: " ", 96: "'"}))) == skeleton(inspection("x"))


def named(word: str) -> Inspection:
    """Routes whose names are the prototype's words; the reports put names into sentences."""
    content = document(word)
    run = content["runs"][0]
    run["tool"]["driver"]["name"] = "routes"
    for it in run["results"]:
        place = it["locations"][0]
        place["logicalLocations"][0]["fullyQualifiedName"] = f"POST /{word}"
    run["results"] += [result("rls.disabled", f"b{word}.ts", at, f"`{word}`") for at in (3, 4)]
    return gather(content, {}, RULES, f"corner-shop{word}")


@pytest.mark.parametrize("word", PAYLOADS)
def test_no_name_of_the_prototype_becomes_markup(word: str) -> None:
    plain = word.translate({10: "_", 96: "'", 32: "_"})
    assert skeleton(named(plain)) == skeleton(named("x"))
    text = re.sub(r"`[^`\n]*`", "", FORMATS["markdown"](named(word)))
    assert not re.search(r"<[a-z/!]", text)
    assert not re.search(r"(?<!\\)\]\(", text)
    assert not re.search("[\x00-\x08\x1b\u202e\udcff]", shown(named(word)))


@pytest.mark.parametrize("word", PAYLOADS)
def test_no_control_or_direction_changing_character_gets_through(word: str) -> None:
    for text in (page(inspection(word)), FORMATS["markdown"](inspection(word))):
        assert not re.search("[\x00-\x08\x1b\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("word", PAYLOADS)
def test_every_format_can_be_written(name: str, word: str) -> None:
    assert FORMATS[name](inspection(word)).encode()


@pytest.mark.parametrize("word", PAYLOADS)
def test_markdown_holds_no_html_nor_link_of_the_prototype(word: str) -> None:
    text = re.sub(r"`[^`\n]*`", "", FORMATS["markdown"](inspection(word)))
    assert not re.search(r"<[a-z/!]", text)
    assert not re.search(r"(?<!\\)\]\(", text)
    assert not re.search(r"^# heading", text, re.MULTILINE)


def test_the_page_loads_and_runs_nothing_but_itself() -> None:
    elements = parsed(page(inspection()))
    policy = next(
        attrs["content"]
        for tag, attrs in elements.seen
        if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for tag, attrs in elements.seen:
        assert tag not in {"link", "iframe", "img", "object", "embed", "base"}
        assert not {"src", "style"} & set(attrs)
        assert not any(name.startswith("on") for name in attrs)
        assert (attrs.get("href") or "#").startswith("#")


def test_a_page_of_many_findings_and_tables_stays_small() -> None:
    assert len(page(inspection(tables=50))) < 1_000_000
    assert len(matrix(copies=50)) == 300


def shown(found: Inspection) -> str:
    console = Console(width=100, record=True, file=StringIO())
    console.print(summary(found))
    return console.export_text()


def test_the_summary_fits_a_screen() -> None:
    lines = shown(inspection()).splitlines()
    assert 24 <= len(lines) <= 40
    assert max(map(len, lines)) <= 100


def everything_at_once() -> Inspection:
    """Forty holes of each of three rules, each said in a long sentence."""
    content = document()
    content["runs"][0]["results"] += [
        result(rule, f"supabase/migrations/{at}_{'long' * 9}.sql", at,
               f"Anybody, without an account, can read and change `table_{at}`: " + "so " * 30)
        for rule in ("rls.disabled", "xss.html-injection", "migrations.not-replayable")
        for at in range(40)
    ]  # fmt: skip
    return gather(content, {}, RULES, "corner-shop")


def test_the_summary_of_much_fits_a_screen() -> None:
    lines = shown(everything_at_once()).splitlines()
    assert len(lines) <= 38
    assert max(map(len, lines)) <= 100


def test_what_one_rule_found_is_one_row_and_counts_once() -> None:
    found = everything_at_once()
    rows = [
        attrs["id"]
        for tag, attrs in parsed(page(found)).seen
        if tag == "details" and (attrs.get("class") or "").startswith("finding ")
    ]
    assert len(rows) == len(set(rows)) < 15
    assert "2 critical" in shown(found)
    assert shown(found).count("tried, and it happened · rls.disabled") == 1


def test_a_next_step_is_shown_with_what_it_is_done_to() -> None:
    for text in (shown(everything_at_once()), page(everything_at_once())):
        assert re.search(r"table_0, table_\d+, table_\d+ and 37 more", " ".join(text.split()))


def test_without_a_database_the_first_screen_shows_the_open_routes() -> None:
    content = document()
    content["runs"][0]["properties"]["matrix"] = []
    text = page(gather(content, {}, RULES, "shop"))
    first_screen = text[: text.index('id="areas"')]
    assert "/api/refund" in first_screen
    assert "/api/orders" not in first_screen


def test_the_replay_says_what_failed_and_what_was_passed_over() -> None:
    text = " ".join(" ".join(parsed(page(inspection())).texts).split())
    assert "Not from these files alone" in text
    assert "8 of 9 files would be run; of 40 statements 38 ran, 2 failed" in text
    assert "2_b.sql:3 no table" in text
    assert "1 file that the tool passes over supabase/migrations/3-c.sql" in text


def test_an_example_is_in_the_language_of_the_finding() -> None:
    content = document()
    for rule in content["runs"][0]["tool"]["driver"]["rules"]:
        rule["properties"]["example"] = "// TypeScript\nsave(it)\n# Python, FastAPI\nsave_it()\n"
    content["runs"][0]["results"] = [
        result("rls.disabled", "app/views.py", 1, "one"),
        result("xss.html-injection", "src/Note.tsx", 1, "two"),
    ]
    text = " ".join(parsed(page(gather(content, {}, RULES, "shop"))).texts)
    assert "save_it()" in text.split("two")[-2]
    assert "save(it)" in text.split("two")[-1]
    assert "save_it()" not in text.split("two")[-1]


@pytest.mark.parametrize("word", PAYLOADS)
def test_the_summary_passes_no_control_character_to_the_terminal(word: str) -> None:
    assert not re.search("[\x00-\x08\x1b\u202e\udcff]", shown(inspection(word)))


def test_sarif_has_one_result_for_an_issue_with_all_its_places() -> None:
    found = inspection()
    run = json.loads(FORMATS["sarif"](found))["runs"][0]
    assert len(run["results"]) == len(found.issues)
    floats = next(it for it in run["results"] if it["ruleId"] == "money.float")
    assert len(floats["locations"]) == 30
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[it["ruleIndex"]]["id"] == it["ruleId"] for it in run["results"])
    said = run["invocations"][0]["toolExecutionNotifications"]
    assert len(said) == len(found.gaps)
