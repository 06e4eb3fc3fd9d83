"""The gate `workflows`: what CI and the update bot run is valid, pinned and may do little."""

import json
import sys
from pathlib import Path
from typing import Any

from .gate import Finding, NotChecked, existing, report, run
from .schemas import schema_findings

_GITHUB = (".github/workflows/*.yml", ".github/workflows/*.yaml")
_ACTIONS = (".github/actions/**/action.yml", ".github/actions/**/action.yaml")
_UPDATES = (".github/dependabot.yml", ".github/dependabot.yaml")

SCHEMAS: dict[str, tuple[str, ...]] = {
    "vendor.github-workflows": _GITHUB,
    "custom.github-workflows-require-timeout": _GITHUB,
    "vendor.github-actions": _ACTIONS,
    "vendor.dependabot": _UPDATES,
    "vendor.gitlab-ci": (".gitlab-ci.yml", ".gitlab/guardrails.yml"),
    "vendor.renovate": ("renovate.json",),
}


def workflow_findings(paths: list[Path]) -> list[Finding]:
    """What zizmor, offline, finds unsafe in GitHub's files."""
    if not paths:
        return []
    outcome = run(["zizmor", "--offline", "--no-progress", "--quiet", "--format", "sarif", *paths])
    try:
        (audit,) = json.loads(outcome.stdout)["runs"]
    except (ValueError, KeyError) as error:
        raise NotChecked(f"zizmor: {outcome.stderr.strip()}") from error
    help_pages = {rule["id"]: rule["helpUri"] for rule in audit["tool"]["driver"].get("rules", ())}
    return [_unsafe(result, help_pages) for result in audit["results"]]


def _unsafe(result: dict[str, Any], help_pages: dict[str, str]) -> Finding:
    place = result["locations"][0]["physicalLocation"]
    return Finding(
        place["artifactLocation"]["uri"],
        place["region"]["startLine"],
        f"{result['ruleId'].removeprefix('zizmor/')}: {result['message']['text']}.",
        f"See {help_pages[result['ruleId']]}",
    )


def main() -> int:
    """Exit status 1 for a finding, 2 when a tool is missing."""
    try:
        findings = [
            finding
            for schema, patterns in SCHEMAS.items()
            for finding in schema_findings(
                schema,
                existing(*patterns),
                *(("--data-transform", "gitlab-ci") if schema == "vendor.gitlab-ci" else ()),
            )
        ]
        # What can't be parsed can't be audited.
        findings = findings or workflow_findings(existing(*_GITHUB, *_ACTIONS, *_UPDATES))
    except NotChecked as reason:
        print(f"workflows: NOT CHECKED: {reason}", file=sys.stderr)
        return 2
    return report("workflows", findings)


if __name__ == "__main__":
    sys.exit(main())
