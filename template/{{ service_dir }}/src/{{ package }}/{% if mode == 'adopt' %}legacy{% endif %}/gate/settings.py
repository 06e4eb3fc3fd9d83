"""The gate's part of the settings: `GATE_MODE`, `GATE_FILE`, and who callers are."""

from pathlib import Path
from typing import Literal

from ..callers.settings import CallerSettings


class GateSettings(CallerSettings):
    gate_mode: Literal["report-only", "enforcing"] = "report-only"
    """Report-only logs what it would refuse and lets everybody through; enforcing refuses it."""
    gate_file: Path = Path("gate.toml")
    """The table of who may call which route of the prototype."""
