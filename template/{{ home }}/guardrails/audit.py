"""The gate `audit`: no locked dependency is known to be vulnerable or withdrawn.

`uv audit` asks the OSV database about every package that uv.lock names. A package that it was not
asked about, or a database that does not answer, is NOT CHECKED and fails: unknown is never a pass.
Without a network `make check` goes on with `--allow-unreachable`; CI never does.
"""

import argparse
import json
import os
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .gate import Finding, NotChecked, report, run

LOCK = Path("uv.lock")
PROJECT = Path("pyproject.toml")

_CLEAN, _VULNERABLE = 0, 1
_PREVIEW = "audit-command,json-output"


@dataclass(frozen=True)
class Locked:
    """What uv.lock names: packages an advisory can speak of, and those that none can."""

    published: frozenset[tuple[str, str]]
    elsewhere: frozenset[str]


def locked() -> Locked:
    """Sort the locked packages by whether they come from a package index.

    Raises:
        NotChecked: there is no lock file.
    """
    if not LOCK.exists():
        raise NotChecked(f"there is no {LOCK}; run `make setup`")
    packages = tomllib.loads(LOCK.read_text(encoding="utf-8")).get("package", [])
    own = {"editable", "virtual"}
    return Locked(
        published=frozenset(
            (package["name"], package["version"])
            for package in packages
            if "registry" in package["source"]
        ),
        elsewhere=frozenset(
            package["name"]
            for package in packages
            if "registry" not in package["source"] and not own & package["source"].keys()
        ),
    )


def watched_by_hand() -> frozenset[str]:
    """Packages from elsewhere that somebody answers for: `[tool.guardrails] unaudited`."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))
    return frozenset(project.get("tool", {}).get("guardrails", {}).get("unaudited", []))


def advisories(service_url: str | None) -> dict[str, Any]:
    """What the advisory database says about the lock file, as uv reports it.

    Raises:
        NotChecked: the database can't be reached, or uv can't audit.
    """
    command = [os.environ.get("UV", "uv"), "audit", "--frozen", "--preview-features", _PREVIEW]
    command += ["--output-format", "json"]
    command += ["--service-url", service_url] if service_url else []
    outcome = run(command)
    if outcome.returncode not in {_CLEAN, _VULNERABLE} or not outcome.stdout.startswith("{"):
        said = [line.strip() for line in outcome.stderr.splitlines() if line.strip()]
        raise NotChecked(f"uv audit: {'; '.join([*said[:1], *said[1:][-1:]])}")
    document: dict[str, Any] = json.loads(outcome.stdout)
    return document


def findings(document: dict[str, Any], packages: Locked) -> list[Finding]:
    """Turn uv's report into findings.

    Raises:
        NotChecked: fewer packages were looked up than are locked.
    """
    looked_up = document["summary"]["audited_packages"]
    if looked_up < len(packages.published):
        raise NotChecked(f"only {looked_up} of {len(packages.published)} packages were looked up")
    vulnerable = [
        Finding(
            str(LOCK),
            0,
            f"{entry['dependency']['name']} {entry['dependency']['version']} is vulnerable: "
            f"{entry['display_id']}, {entry.get('summary') or 'not described'}.",
            _remedy(entry["dependency"]["name"], entry.get("fix_versions") or []),
        )
        for entry in document["vulnerabilities"]
    ]
    adverse = [
        Finding(
            str(LOCK),
            0,
            f"{entry['dependency']['name']} is {entry.get('status', 'withdrawn')} on its index.",
            "Replace it.",
        )
        for entry in document["adverse_statuses"]
    ]
    unknown = [
        Finding(
            str(LOCK),
            0,
            f"{name} does not come from a package index, so no advisory speaks of it: NOT CHECKED.",
            f"Take it from an index, or watch it yourself and say so in {PROJECT}: "
            f'[tool.guardrails] unaudited = ["{name}"].',
        )
        for name in packages.elsewhere - watched_by_hand()
    ]
    return vulnerable + adverse + unknown


def _remedy(name: str, fixed_in: list[str]) -> str:
    if fixed_in:
        return f"Fixed in {', '.join(fixed_in)}: uv lock --upgrade-package {name}"
    return (
        "There is no fix yet: replace it, or keep what is vulnerable out of reach and list the "
        f"advisory in {PROJECT}, [tool.uv.audit] ignore-until-fixed."
    )


def main() -> int:
    """Exit status 1 for a vulnerable package, 2 when that could not be found out."""
    parser = argparse.ArgumentParser(prog="python -m guardrails.audit", description=__doc__)
    parser.add_argument(
        "--allow-unreachable",
        action="store_true",
        help="say NOT CHECKED and go on when no database answers (never in CI)",
    )
    parser.add_argument("--service-url", help="another database that speaks OSV")
    options = parser.parse_args()
    try:
        packages = locked()
        return report("audit", findings(advisories(options.service_url), packages))
    except NotChecked as reason:
        print(f"audit: NOT CHECKED: {reason}", file=sys.stderr)
        return 0 if options.allow_unreachable and not os.environ.get("CI") else 2


if __name__ == "__main__":
    sys.exit(main())
