"""One small prototype per stack: its faults are found where they are, its look-alikes are not.

What must be found, and what must not, is in `expected/*.yaml`: a rule and a place, the rule as a
pattern, the place with or without a line.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).parent
PROTOTYPES = HERE.parent / "prototypes"
EXPECTED = sorted(file.stem for file in (HERE / "expected").glob("*.yaml"))


def inspected(folder: Path, output: Path) -> Any:
    command = [str(Path(sys.prefix) / "bin" / "roadworthy"), "inspect", str(folder)]
    command += ["--no-history", "--format", "json", "--output", str(output)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(output.read_text())


def said(found: Any) -> Iterator[tuple[str, str]]:
    """Each rule with each of its places, with and without the line; what is only told is none."""
    for issue in found["issues"]:
        if issue["severity"] == "info":
            continue
        for place in issue["places"]:
            yield issue["rule"], place["path"]
            yield issue["rule"], f"{place['path']}:{place['line']}"


def meets(stated: str, said: tuple[str, str]) -> bool:
    rule, place = stated.split(" ", 1)
    return fnmatchcase(said[0], rule) and said[1] == place


def test_every_prototype_has_expectations() -> None:
    assert sorted(folder.name for folder in PROTOTYPES.iterdir()) == EXPECTED


@pytest.mark.parametrize("name", EXPECTED)
def test_finds_the_faults_and_leaves_the_look_alikes(name: str, tmp_path: Path) -> None:
    expected = yaml.safe_load((HERE / "expected" / f"{name}.yaml").read_text())
    found = inspected(PROTOTYPES / name, tmp_path / "found.json")
    places = list(said(found))
    missed = [it for it in expected["found"] if not any(meets(it, place) for place in places)]
    wrong = [it for it in expected["traps"] if any(meets(it, place) for place in places)]
    assert (missed, wrong) == ([], [])
    # Nothing as bad as this is said that isn't known to be so.
    worst = {issue["rule"] for issue in found["issues"] if issue["severity"] == "critical"}
    assert worst <= {it.split(" ", 1)[0] for it in expected["found"]}
