"""Published schemas, as check-jsonschema vendors them: no network is needed."""

import json
from pathlib import Path

from .gate import Finding, NotChecked, run

_CHECK = ("check-jsonschema", "--output-format", "json", "--builtin-schema")


def schema_findings(schema: str, paths: list[Path], *options: str) -> list[Finding]:
    """What a published schema, vendored by check-jsonschema, says against these files."""
    if not paths:
        return []
    outcome = run([*_CHECK, schema, *options, *paths])
    try:
        document = json.loads(outcome.stdout)
    except ValueError as error:
        raise NotChecked(f"check-jsonschema: {outcome.stderr.strip()}") from error
    return [
        *(
            Finding(entry["filename"], 0, f"{entry['path']}: {entry['message']}", f"({schema})")
            for entry in document.get("errors", [])
        ),
        *(
            Finding(entry["filename"], 0, f"{entry['message']}.", "Mend its syntax.")
            for entry in document.get("parse_errors", [])
        ),
    ]
