"""What can be set from outside, under the names that the service uses too."""

import os
import sys


def _ratio(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.1


_format = os.environ.get("LOG_FORMAT", "auto")

# Lines for eyes on a terminal, JSON everywhere else.
AS_JSON = _format == "json" or (_format != "console" and not sys.stderr.isatty())
REDACT_KEYS = [key for key in os.environ.get("LOG_REDACT_KEYS", "").split(",") if key]
# An OTLP/HTTP collector; without one nothing is exported, and nothing of the SDK is loaded.
ENDPOINT = (
    os.environ.get("OTLP_ENDPOINT") or os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or ""
).rstrip("/")
SERVICE = os.environ.get("OTEL_SERVICE_NAME") or os.environ.get("PROTOTYPE_NAME") or "prototype"
VERSION = os.environ.get("SERVICE_VERSION", "0.0.0")
ENVIRONMENT = os.environ.get("ENVIRONMENT", "development")
# The share of requests that are traced, unless the caller has decided, as the facade has.
SAMPLE_RATIO = _ratio(os.environ.get("TRACE_SAMPLE_RATIO", ""))
