"""What is called SARIF is SARIF: both documents, against the schema of the OASIS standard."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from documents import inspection
from test_report import PAYLOADS

from roadworthy.inspection import guardrails
from roadworthy.inspection.run import gather
from roadworthy.report import FORMATS

SCHEMA = Path(__file__).parent.parent / "standards" / "sarif-schema-2.1.0.json"


def complaints(folder: Path, documents: Iterable[str]) -> str:
    files: list[Path] = []
    for number, document in enumerate(documents):
        files.append(folder / f"{number}.sarif.json")
        files[-1].write_text(document, encoding="utf-8")
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--schemafile", str(SCHEMA), *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if checked.returncode == 0 else checked.stdout + checked.stderr


def test_the_schema_would_complain(tmp_path: Path) -> None:
    assert "'version' is a required property" in complaints(tmp_path, ['{"runs": []}'])


def test_the_format_is_sarif_whatever_a_prototype_says(tmp_path: Path) -> None:
    words = ("", *PAYLOADS)
    assert complaints(tmp_path, (FORMATS["sarif"](inspection(word)) for word in words)) == ""


@pytest.fixture
def scanned(shop: Path) -> dict[str, Any]:
    return guardrails.scan(shop, lambda _: None)


def test_what_the_guards_say_of_a_prototype_is_sarif(
    scanned: dict[str, Any], tmp_path: Path
) -> None:
    rules = guardrails.catalogue()
    found = gather(scanned, rules, frozenset(rules), "corner-shop")
    assert complaints(tmp_path, [json.dumps(scanned), FORMATS["sarif"](found)]) == ""
    ways = [
        it for it in json.loads(FORMATS["sarif"](found))["runs"][0]["results"] if "codeFlows" in it
    ]
    assert ways, "how a request gets to what is wrong is a code flow"
