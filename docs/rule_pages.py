"""Writes a page for each area of the rules, from the rules, each time the site is built."""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from guardrails.engine.rules import Area, Keeping, Rule, load
from sphinx.application import Sphinx

_KEPT = {
    Keeping.BELOW_HIGH: "What is told as high or critical can't be recorded in a baseline; what of "
    "that was tried and happened, or stands in the tree, can't be waived either.",
    Keeping.NEVER: "It can't be recorded in a baseline, nor waived.",
}
PAGES = Path(__file__).parent / "reference" / "rules"


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True}


def write_pages(app: Sphinx) -> None:
    del app
    PAGES.mkdir(exist_ok=True)
    for name, text in pages(load().values()).items():
        (PAGES / f"{name}.md").write_text(text, encoding="utf-8")


def pages(rules: Iterable[Rule]) -> dict[str, str]:
    """The text of each page by its name; `index` lists all rules."""
    ordered = sorted(rules, key=lambda rule: (list(Area).index(rule.area), rule.id))
    by_area = {area: list(those) for area, those in groupby(ordered, key=lambda rule: rule.area)}
    return {"index": _index(by_area)} | {
        _slug(area): _page(area, those) for area, those in by_area.items()
    }


def _index(by_area: dict[Area, list[Rule]]) -> str:
    count = sum(len(those) for those in by_area.values())
    listed = "\n".join(_slug(area) for area in by_area)
    intro = (
        f"# Rules\n\nThe {count} rules of `roadworthy inspect` and of `python -m guardrails check` "
        "in a stamped project. `python -m guardrails explain RULE` prints one."
    )
    parts = [
        intro,
        f":::{{toctree}}\n:hidden:\n\n{listed}\n:::",
    ]
    for area, those in by_area.items():
        rows = [
            f"| [`{rule.id}`]({_slug(area)}.md#{_anchor(rule)}) | {rule.severity.label} "
            f"| {_cell(rule.title)} |"
            for rule in those
        ]
        table = "\n".join(["| Rule | Severity | What it says |", "| --- | --- | --- |", *rows])
        parts.append(f"## {area.value.capitalize()}\n\n{table}")
    return "\n\n".join(parts) + "\n"


def _page(area: Area, rules: list[Rule]) -> str:
    return "\n\n".join([f"# {area.value.capitalize()}", *map(_section, rules)]) + "\n"


def _section(rule: Rule) -> str:
    facts = [
        f"Severity {rule.severity.label}",
        f"confidence {rule.confidence}",
        f"{rule.effort} to mend",
        *rule.cwe,
        *(f"ASVS {requirement}" for requirement in rule.asvs),
    ]
    kept = f"\n\n{_KEPT[rule.baseline]}" if rule.baseline in _KEPT else ""
    return (
        f"({_anchor(rule)})=\n## `{rule.id}`\n\n**{_prose(rule.title.rstrip('.'))}.** "
        f"{', '.join(facts)}.\n\n"
        f"{_prose(rule.why)}\n\n{_prose(rule.mend)}\n\n"
        f"````text\n{rule.example.rstrip()}\n````{kept}"
    )


def _slug(area: Area) -> str:
    return area.value.replace(" ", "-")


def _anchor(rule: Rule) -> str:
    return rule.id.replace(".", "-")


def _cell(text: str) -> str:
    return _prose(text).replace("|", "\\|")


def _prose(text: str) -> str:
    """One paragraph in which nothing but code spans is markup."""
    outside = [
        part if inside else part.replace("<", "\\<").replace("*", "\\*").replace("_", "\\_")
        .replace("[", "\\[").replace("$", "\\$")
        for inside, part in _spans(" ".join(text.split()))
    ]  # fmt: skip
    return "".join(outside)


def _spans(text: str) -> Iterable[tuple[bool, str]]:
    for number, part in enumerate(text.split("`")):
        inside = number % 2 == 1
        yield inside, f"`{part}`" if inside else part
