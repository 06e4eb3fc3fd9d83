"""The gate table that an adoption begins with: a starter, and from then on the user's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roadworthy.inspection import Inspection
from roadworthy.planning.gate import Prototype, gate_of


def write_gate(
    inspection: Inspection, answers: Mapping[str, Any], stamp: Path, clone: Path
) -> None:
    """Put what was seen in the place of the stamp's general table, unless there is one already."""
    path = f"{answers['service_dir']}/gate.toml"
    if (stamp / path).is_file() and not (clone / path).exists():
        text = gate_of(inspection, Prototype.of(answers))
        (stamp / path).write_text(text, encoding="utf-8")
