"""The HTTP client for calls to other services: bounded in time, traced, and led nowhere else."""

import time
from typing import Any

import httpx2
from opentelemetry.metrics import Meter
from opentelemetry.trace import SpanKind, StatusCode, Tracer, use_span

from ..secret_shapes import redact_text
from .context import inject_context


class OutboundClient(httpx2.AsyncClient):
    """An `httpx2.AsyncClient` whose calls carry the trace on.

    Every phase of a call has a limit. Nothing is retried, for only the caller knows what may be
    done twice, and no redirect is followed: it may lead to where the caller must not go (ASVS
    15.3.2). Make one for each service that is called, and close it when the service stops.
    """

    def __init__(
        self, tracer: Tracer, meter: Meter, *, timeout: float = 5.0, **options: Any
    ) -> None:
        super().__init__(
            timeout=httpx2.Timeout(timeout, connect=min(timeout, 2.0), pool=min(timeout, 1.0)),
            follow_redirects=False,
            **options,
        )
        self._tracer = tracer
        self._duration = meter.create_histogram(
            "http.client.request.duration",
            unit="s",
            description="Duration of HTTP client requests.",
        )

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        attributes: dict[str, str | int] = {
            "http.request.method": request.method,
            "server.address": request.url.host,
        }
        if port := request.url.port or {"http": 80, "https": 443}.get(request.url.scheme):
            attributes["server.port"] = port
        began = time.perf_counter()
        span = self._tracer.start_span(
            request.method,
            kind=SpanKind.CLIENT,
            attributes=attributes | {"url.full": redact_text(str(request.url))},
        )
        with use_span(span, end_on_exit=True, record_exception=False):
            request.headers.update(inject_context())
            try:
                response = await super().send(request, **options)
            except BaseException as error:
                attributes["error.type"] = type(error).__name__
                raise
            else:
                attributes["http.response.status_code"] = response.status_code
                if response.is_error:
                    attributes["error.type"] = str(response.status_code)
                return response
            finally:
                span.set_attributes(attributes)
                if "error.type" in attributes:
                    span.set_status(StatusCode.ERROR)
                self._duration.record(time.perf_counter() - began, attributes)
