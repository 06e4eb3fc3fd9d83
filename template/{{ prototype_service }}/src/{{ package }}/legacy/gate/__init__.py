"""Who may call which route of the prototype: the table in gate.toml, and the gate that heeds it."""

import structlog

from ...platform.context import Platform
from ..callers import callers_of
from ..port import Everybody, Gatekeeper
from .check import GateCheck
from .commands import gate_commands
from .decision import Gate
from .file import InvalidGate, read_gate
from .settings import GateSettings

__all__ = ["Gate", "GateCheck", "GateSettings", "InvalidGate", "gate_commands", "gate_of"]

_log = structlog.get_logger(__name__)


def gate_of(settings: GateSettings, platform: Platform) -> Gatekeeper:
    """The gate that the settings describe.

    Raises:
        InvalidGate: gate.toml can't be gone by, or enforcing would know too few callers.
    """
    if settings.gate_mode == "off":
        return Everybody()
    enforcing = settings.gate_mode == "enforcing"
    if faults := settings.caller_faults():
        if enforcing:
            raise InvalidGate("Enforcing would shut out callers:\n  " + "\n  ".join(faults))
        _log.warning("gate_callers_incomplete", faults=faults)
    return Gate(
        read_gate(settings.gate_file),
        callers_of(settings, platform.telemetry.http_client, platform.clock),
        platform.telemetry.meter,
        enforcing=enforcing,
        realm=platform.settings.service_name,
    )
