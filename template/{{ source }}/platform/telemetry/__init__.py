"""Traces and metrics: OpenTelemetry, exported over OTLP/HTTP where an endpoint is configured.

Without an endpoint nothing of the SDK is loaded or called. Requests, jobs and outbound calls
carry a trace context all the same, so that the lines of the log can be joined by it.
"""

from .context import inject_context
from .inbound import RECORDED, Inbound
from .telemetry import Telemetry

__all__ = ["RECORDED", "Inbound", "Telemetry", "inject_context"]
