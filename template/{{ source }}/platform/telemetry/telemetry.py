"""What the service uses of traces and metrics; all of it does nothing without an endpoint."""

from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from fastapi.telemetry import TelemetryConfig
from opentelemetry.metrics import Meter, NoOpMeterProvider
from opentelemetry.trace import NoOpTracerProvider, Tracer

from ..settings import PlatformSettings
from .inbound import Inbound
from .jobs import JobTelemetry
from .outbound import OutboundClient

if TYPE_CHECKING:
    from ..database import Database
    from .providers import Providers


class Telemetry:
    """Traces and metrics of one process.

    `tracer` and `meter` are for spans and instruments of your own.
    """

    def __init__(self, settings: PlatformSettings, *, untraced_paths: Collection[str] = ()) -> None:
        self._providers = _providers(settings)
        name = settings.service_name
        self.tracer: Tracer
        self.meter: Meter
        if self._providers is None:
            self.tracer = NoOpTracerProvider().get_tracer(name)
            self.meter = NoOpMeterProvider().get_meter(name)
        else:
            self.tracer = self._providers.tracer.get_tracer(name, settings.service_version)
            self.meter = self._providers.meter.get_meter(name, settings.service_version)
        self._jobs = JobTelemetry(self.tracer, self.meter)
        self.inbound = Inbound(
            self.tracer,
            self.meter,
            is_recording=self.is_exporting,
            sample_ratio=settings.trace_sample_ratio,
            untraced_paths=untraced_paths,
        )
        if self._providers is not None:
            self._providers.durations.append(self.inbound.durations)

    @property
    def is_exporting(self) -> bool:
        return self._providers is not None

    def fastapi_options(self) -> TelemetryConfig:
        """FastAPI's own telemetry, which sees a request before any middleware does.

        Its spans for dependencies and serialisation cost more than the request they describe, its
        metrics more than `Inbound`'s, and its logs would bypass the redaction.
        """
        options: TelemetryConfig = {
            "tracing": self.is_exporting,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        }
        if self._providers is not None:
            options["tracer_provider"] = self._providers.tracer
        return options

    def instrument_database(self, database: "Database") -> None:
        """Follow the statements of both pools; call it before they open."""
        if self._providers is None:
            return
        from .database import Statements, watch_pools  # noqa: PLC0415

        statements = Statements(self.tracer, database.engine.url.database or "")
        self._providers.durations.append(statements.durations)
        database.use_cursor(statements.cursor_class())
        watch_pools(self.meter, database.engine, database.pool)

    def http_client(self, **options: Any) -> OutboundClient:
        """A client for another service; takes what `OutboundClient` takes."""
        return OutboundClient(self.tracer, self.meter, **options)

    def enqueuing(self, task: str, queue: str) -> AbstractContextManager[dict[str, str]]:
        return self._jobs.enqueuing(task, queue)

    def running_job(
        self, task: str, queue: str, job_id: int | None, carrier: dict[str, str]
    ) -> AbstractContextManager[None]:
        return self._jobs.running(task, queue, job_id, carrier)

    def flush(self) -> None:
        if self._providers is not None:
            self._providers.flush()

    def shutdown(self) -> None:
        """Export what is left; bounded in time, whatever the collector does."""
        if self._providers is not None:
            self._providers.shutdown()


def _providers(settings: PlatformSettings) -> "Providers | None":
    if settings.otlp_endpoint is None:
        return None
    # Loading the SDK takes a fifth of a second, which a service without an endpoint need not pay.
    from .providers import Providers  # noqa: PLC0415

    return Providers(settings)
