"""The report in a real browser: it works from disk, offline, by keyboard and for a screen reader.

Needs a Chromium on the machine (Debian: apt install chromium); without one these tests are skipped.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from documents import inspection
from test_report import PAYLOADS

from roadworthy.report import page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with playwright.sync_playwright() as started:
        # Its own sandbox can't be made by root in a container; the pages are ours.
        launched = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def report(tmp_path: Path) -> str:
    file = tmp_path / "report.html"
    file.write_text(page(inspection(tables=4)), encoding="utf-8")
    return file.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(
    browser: "Browser", report: str, scheme: Literal["light", "dark"], width: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe")
    context = browser.new_context(
        bypass_csp=True, color_scheme=scheme, viewport={"width": width, "height": 900}
    )
    tab = context.new_page()
    tab.goto(report)
    for details in tab.locator("details").all():
        details.evaluate("it => it.open = true")
    found = axe.Axe().run(tab).response["violations"]
    assert [(it["id"], it["nodes"][0]["html"]) for it in found] == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_its_policy_lets_it_style_and_run_itself(browser: "Browser", report: str) -> None:
    tab = browser.new_page()
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: said.append(request.url))
    tab.goto(report)
    assert said == [report]
    assert tab.locator("#filters").is_visible()
    assert tab.locator(".wide").first.evaluate("it => getComputedStyle(it).maxWidth") == "1120px"
    tab.close()


def test_filters(browser: "Browser", report: str) -> None:
    tab = browser.new_page()
    tab.goto(report)
    shown = tab.locator("#list > .finding:visible")
    total = shown.count()
    tab.locator("#filters").get_by_label("Severity").select_option("critical")
    assert shown.count() == 2
    tab.locator("#filters").get_by_label("Severity").select_option("")
    tab.locator("#filters").get_by_label("Area").select_option("secrets")
    assert shown.count() == 1
    tab.locator("#filters").get_by_label("Area").select_option("")
    tab.locator("#filters").get_by_label("File").fill("page12.tsx")
    assert shown.count() == 1
    tab.locator("#filters").get_by_label("File").fill("")
    tab.locator("#filters").get_by_label("Text").fill("as html")
    assert shown.count() == 1
    assert tab.locator("#shown").inner_text() == f"1 of {total}"
    tab.close()


def test_the_file_filter_leaves_only_the_places_in_that_file(
    browser: "Browser", report: str
) -> None:
    tab = browser.new_page()
    tab.goto(report)
    tab.locator("#filters").get_by_label("File").fill("page12.tsx")
    finding = tab.locator("#list > .finding:visible")
    finding.locator("summary").first.click()
    assert finding.locator(".at:visible").count() == 1
    assert "Page12.tsx" in finding.locator(".at:visible").inner_text()
    tab.locator("#filters").get_by_label("File").fill("")
    assert tab.locator(".finding[open] .at:visible").count() > 1
    tab.close()


def test_the_routes_unfold_by_keyboard(browser: "Browser", report: str) -> None:
    tab = browser.new_page()
    tab.goto(report)
    tab.locator("#routes summary").focus()
    tab.keyboard.press("Enter")
    assert tab.get_by_role("cell", name="anybody").is_visible()
    tab.close()


def test_by_keyboard_alone(browser: "Browser", report: str) -> None:
    tab = browser.new_page()
    tab.goto(report)
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to the findings"
    finding = tab.locator("#list > .finding").first
    finding.locator("summary").focus()
    tab.keyboard.press("Enter")
    assert finding.get_by_text("How to mend it").is_visible()
    tab.locator("#unfold").focus()
    tab.keyboard.press("Enter")
    assert tab.locator("#more-rows").is_visible()
    tab.close()


def test_a_link_to_a_finding_opens_it(browser: "Browser", report: str) -> None:
    tab = browser.new_page()
    tab.goto(report)
    tab.get_by_role("link", name="why, and how to mend it").first.click()
    playwright.expect(tab.locator("#list > .finding[open]")).to_have_count(1)
    tab.close()


def test_on_paper_nothing_is_folded_away(browser: "Browser", report: str) -> None:
    tab = browser.new_page()
    tab.goto(report)
    tab.emulate_media(media="print")
    assert tab.locator("#more-rows").is_visible()
    assert not tab.locator("#filters").is_visible()
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.locator("details:not([open])").count() == 0
    assert tab.pdf()[:4] == b"%PDF"
    tab.close()


def test_without_javascript_everything_is_there(browser: "Browser", report: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(report)
    assert tab.locator("#more-rows").is_visible()
    assert not tab.locator("#filters").is_visible()
    context.close()


def test_no_word_of_the_prototype_runs(browser: "Browser", tmp_path: Path) -> None:
    tab = browser.new_page()
    asked: list[str] = []

    def closed(dialog: "Dialog") -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    tab.on("dialog", closed)
    for number, word in enumerate(PAYLOADS):
        file = tmp_path / f"{number}.html"
        file.write_text(page(inspection(word)), encoding="utf-8")
        tab.goto(file.as_uri())
        for element in tab.locator("summary, .finding, td").all()[:60]:
            element.dispatch_event("mouseover")
    assert asked == []
    tab.close()
