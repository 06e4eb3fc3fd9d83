"""Carries a trace from the request that enqueues a job into the worker that runs it."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from uuid import uuid4

import structlog
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.metrics import Meter
from opentelemetry.trace import SpanKind, StatusCode, Tracer

from ..logging import LogContext, log_context
from .context import PROPAGATOR, inject_context
from .inbound import silent_span

_SYSTEM: Final = "procrastinate"
REQUEST_ID: Final = "request_id"


class JobTelemetry:
    """Spans, durations and log context for jobs."""

    def __init__(self, tracer: Tracer, meter: Meter) -> None:
        self._tracer = tracer
        self._sent = meter.create_counter(
            "messaging.client.sent.messages", "{message}", "Jobs enqueued."
        )
        self._duration = meter.create_histogram(
            "messaging.process.duration", "s", "Duration of the jobs that were run."
        )

    @contextmanager
    def enqueuing(self, task: str, queue: str) -> Iterator[dict[str, str]]:
        """Around the enqueuing of a job; what it yields, the job takes along."""
        attributes = _attributes(task, queue, "send")
        with self._tracer.start_as_current_span(
            f"send {queue}",
            kind=SpanKind.PRODUCER,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ):
            context = log_context.get()
            yield inject_context({REQUEST_ID: context.request_id} if context else None)
        self._sent.add(1, attributes)

    @contextmanager
    def running(
        self, task: str, queue: str, job_id: int | None, carrier: Mapping[str, str]
    ) -> Iterator[None]:
        """Around a job: its span is the enqueuing one's child, its lines carry the same ids."""
        attributes = _attributes(task, queue, "process")
        parent = PROPAGATOR.extract(carrier, Context())
        if not trace.get_current_span(parent).get_span_context().is_valid:
            parent = Context()
        span = self._tracer.start_span(
            f"process {queue}",
            context=parent,
            kind=SpanKind.CONSUMER,
            attributes=attributes
            | ({"messaging.message.id": str(job_id)} if job_id is not None else {}),
        )
        if not span.get_span_context().is_valid:
            span = silent_span(sampled=False)
        ids = span.get_span_context()
        context = LogContext(
            request_id=carrier.get(REQUEST_ID) or uuid4().hex,
            trace_id=f"{ids.trace_id:032x}",
            span_id=f"{ids.span_id:016x}",
        )
        token = otel_context.attach(trace.set_span_in_context(span))
        log_token = log_context.set(context)
        began = time.perf_counter()
        try:
            with structlog.contextvars.bound_contextvars(task=task, job_id=job_id):
                yield
        except BaseException as error:
            attributes["error.type"] = type(error).__name__
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(StatusCode.ERROR)
            raise
        finally:
            self._duration.record(time.perf_counter() - began, attributes)
            span.end()
            log_context.reset(log_token)
            otel_context.detach(token)


def _attributes(task: str, queue: str, operation: str) -> dict[str, str]:
    return {
        "messaging.system": _SYSTEM,
        "messaging.destination.name": queue,
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "job.task": task,
    }
