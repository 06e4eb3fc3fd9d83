"""Who may call which route of the prototype: the table in gate.toml, and the gate that heeds it."""

import httpx2

from ...platform.context import Platform
from ..callers import callers_of
from .decision import Gate
from .file import InvalidGate, read_gate
from .settings import GateSettings

__all__ = ["Gate", "GateSettings", "InvalidGate", "gate_of"]


def gate_of(platform: Platform, client: httpx2.AsyncClient) -> Gate:
    """The gate that the settings describe; `client` fetches the keys of issuers of tokens.

    Raises:
        InvalidGate: gate.toml or the settings of the callers can't be gone by.
    """
    settings = platform.settings
    assert isinstance(settings, GateSettings)
    if faults := settings.caller_faults():
        raise InvalidGate("\n".join(["Callers can't be recognised:", *faults]))
    return Gate(
        read_gate(settings.gate_file),
        callers_of(settings, client, platform.clock),
        platform.telemetry.meter,
        enforcing=settings.gate_mode == "enforcing",
        realm=settings.service_name,
    )
