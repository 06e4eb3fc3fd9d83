"""What is different from an earlier inspection, given as the JSON that it left."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roadworthy.refusal import BadAnswer

from .whole import SCHEMA, Change, Inspection


def read_earlier(file: Path) -> Mapping[str, Any]:
    """Check what --since names before anything else is done."""
    wayout = "name a file that `roadworthy inspect --format json --output FILE` wrote."
    try:
        content = json.loads(file.read_bytes())
    except OSError as error:
        raise BadAnswer(f"--since {file} can't be read: {error.strerror}; {wayout}") from error
    except ValueError as error:
        raise BadAnswer(f"--since {file} is no JSON; {wayout}") from error
    if not isinstance(content, Mapping) or not isinstance(content.get("issues"), list):
        raise BadAnswer(f"--since {file} is no inspection; {wayout}")
    if content.get("schema") != SCHEMA:
        raise BadAnswer(
            f"--since {file} was written by another version of roadworthy, whose inspections this "
            "one can't read: inspect again, and compare the next time."
        )
    return content


def difference(earlier: Mapping[str, Any], now: Inspection) -> Change:
    """Set against set, so that a moved line is neither new nor gone."""
    try:
        before = {entry["key"]: str(entry["message"]) for entry in earlier["issues"]}
        levels = {entry["area"]: int(entry["level"]) for entry in earlier["areas"]}
        return Change(
            level_before=int(earlier["level"]),
            looked_at=str(earlier["looked_at"]),
            appeared=tuple(issue.key for issue in now.issues if issue.key not in before),
            gone=tuple(
                before[key] for key in sorted(before.keys() - {issue.key for issue in now.issues})
            ),
            areas={
                area.area: levels[area.area]
                for area in now.areas
                if levels.get(area.area, area.level) != area.level
            },
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadAnswer(f"The inspection named by --since is damaged: {error!r}.") from error
