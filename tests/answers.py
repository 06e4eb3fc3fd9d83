"""The combinations of answers that the tests stamp."""

from itertools import combinations, product
from typing import Any

import yaml
from stamping import ROOT

NAMES: list[dict[str, str]] = [
    {},
    {
        "project_name": "O'Hara & Söhne: Tickets - and more",
        "package": "to",
        "description": "People's tickets; yes, all of them: at the café, in Tōkyō & elsewhere"
        ", a text just as long as it may be, and no longer",
        "owner": "@o-hara/platform.team/security_reviewers",
        "copyright_holder": "O'Hara & Söhne: the old firm, since 1889",
    },
    {"project_name": "A" * 50, "package": "a_package_of_thirty_characters"},
]


def of_a_prototype(question: dict[str, Any]) -> bool:
    return "adopt" in str(question.get("when", ""))


def choices() -> dict[str, list[Any]]:
    """Every value of every question that offers a choice, and some names."""
    found: dict[str, list[Any]] = {"names": list(range(len(NAMES)))}
    for name, question in yaml.safe_load((ROOT / "copier.yml").read_text()).items():
        if name.startswith("_") or question.get("when") is False or of_a_prototype(question):
            continue
        if question["type"] == "bool":
            found[name] = [True, False]
        elif "choices" in question:
            offered = question["choices"]
            found[name] = list(offered.values() if isinstance(offered, dict) else offered)
    return found


def every(factors: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(factors, row, strict=True)) for row in product(*factors.values())]


def pairwise(factors: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Pick rows, each the one that adds most, until every two values have met."""

    def pairs(row: dict[str, Any]) -> set[tuple[tuple[str, Any], ...]]:
        return set(combinations(row.items(), 2))

    rows = every(factors)
    missing = set().union(*map(pairs, rows))
    chosen = []
    while missing:
        best = max(rows, key=lambda row: len(pairs(row) & missing))
        chosen.append(best)
        missing -= pairs(best)
    return chosen


def given(row: dict[str, Any]) -> dict[str, Any]:
    """Turn a row into answers."""
    chosen = {name: value for name, value in row.items() if name != "names"}
    return {**NAMES[row["names"]], **chosen}


def name_of(row: dict[str, Any]) -> str:
    return "-".join(str(value).lower() for value in row.values())
