"""Kingfisher, offline: a credential that it finds is never tried out at its provider."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .gate import NotChecked, run

_SCAN = ("scan", "--no-validate", "--no-update-check", "--quiet", "--format", "jsonl")
_CLEAN, _FOUND, _FOUND_ACTIVE = 0, 200, 205
_LONGEST_REASON = 200


@dataclass(frozen=True)
class Match:
    """What has the shape of a credential. `secret` is it in full: it goes into no message."""

    rule: str
    rule_id: str
    secret: str
    confidence: str
    path: str
    line: int
    commit: str


def scan(
    *arguments: str | Path, folder: Path | None = None, seconds: float | None = None
) -> list[Match]:
    """What is found with these arguments, which say where to look; settings come from `folder`.

    Raises:
        NotChecked: it is missing, crashed, took too long, or does not say what it scanned.
    """
    try:
        ran = run(["kingfisher", *_SCAN, *arguments], folder=folder, seconds=seconds)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotChecked(f"kingfisher: {error}") from None
    if ran.returncode not in {_CLEAN, _FOUND, _FOUND_ACTIVE}:
        said = ran.stderr.strip()[:_LONGEST_REASON]
        raise NotChecked(f"kingfisher stopped with {ran.returncode}: {said}")
    try:
        records = [json.loads(line) for line in ran.stdout.split("\n") if line.strip()]
        found = [record for record in records if "finding" in record]
        matches = [_match(record["rule"], record["finding"]) for record in found]
    except (ValueError, KeyError, TypeError) as error:
        raise NotChecked(f"kingfisher's report can't be read: {error!r}") from None
    audited = any("audit" in record for record in records)
    if not audited or bool(found) != (ran.returncode != _CLEAN):
        raise NotChecked("kingfisher's report does not say what it scanned")
    return matches


def _match(rule: dict[str, Any], finding: dict[str, Any]) -> Match:
    return Match(
        rule=str(rule["name"]),
        rule_id=str(rule["id"]),
        secret=str(finding["snippet"]),
        confidence=str(finding.get("confidence", "")),
        path=str(finding["path"]),
        line=int(finding["line"]),
        commit=str(finding.get("git_metadata", {}).get("commit", {}).get("id", "")),
    )
