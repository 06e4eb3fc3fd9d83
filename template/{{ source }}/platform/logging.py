"""One pipe for every log line: structlog's, the standard library's, warnings and last words.

Lines go to standard error: standard output belongs to a command's result.
"""

import json
import logging
import sys
import textwrap
import threading
import time
import traceback
import warnings
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from types import TracebackType
from typing import Any, Final, TextIO

import structlog
from opentelemetry import trace
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor, WrappedLogger

from .redaction import Redactor
from .secret_shapes import REDACTED, redact_text
from .settings import PlatformSettings

# What a line says of itself. Nobody outside can choose it, so nothing looks through it.
_OWN_KEYS: Final = frozenset(
    {"timestamp", "level", "logger", "request_id", "trace_id", "span_id", "principal_id"}
)
_REQUESTS: Final = f"{__package__}.requests"
_OF_A_REQUEST: Final = ("method", "path", "route", "status", "duration_ms", "client")
_RECORD_KEYS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "color_message"}
# Control characters and Unicode's line breaks: a line stays one line, and no terminal obeys it.
_CONTROLS: Final = {
    code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160), 0x2028, 0x2029)
} | {9: "\\t", 10: "\\n", 13: "\\r"}


@dataclass(slots=True)
class LogContext:
    """Whom the lines of one request or job belong to; the principal is learnt on the way."""

    request_id: str
    trace_id: str | None = None
    span_id: str | None = None
    principal_id: str | None = None


log_context: ContextVar[LogContext | None] = ContextVar("log_context", default=None)


def configure_logging(settings: PlatformSettings, stream: TextIO | None = None) -> None:
    """Send all that this process logs through one pipe; a later call replaces an earlier one."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    as_json = settings.log_format == "json" or (
        settings.log_format == "auto" and settings.is_production
    )
    output = _Output(stream)
    redactor = Redactor(settings.log_redact_keys)
    pipeline: list[Processor] = [
        _add_context,
        _add_exception_data if as_json else _add_exception_text,
        _redaction(redactor),
        _render_json if as_json else _console(colors=output.is_terminal),
    ]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _add_origin,
            *pipeline,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *name: _Sink(output, *name),
        cache_logger_on_first_use=False,
    )
    request_lines.open(output if as_json and level <= logging.INFO else None, redactor)
    _take_over_standard_library(_Pipe(pipeline, redactor, output), level)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


class _Output:
    """Whole lines, one at a time, from any thread; a closed or full pipe never raises."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    @property
    def is_terminal(self) -> bool:
        return (self._stream or sys.stderr).isatty()

    def write(self, line: str) -> None:
        stream = self._stream or sys.stderr
        with self._lock:
            try:
                stream.write(line + "\n")
                stream.flush()
            except (OSError, ValueError):
                return


class _Sink:
    """The end of structlog's side of the pipe; structlog calls a method named as the level."""

    def __init__(self, output: _Output, name: str = "root") -> None:
        self.name = name
        self.debug = self.info = self.warning = self.error = self.critical = output.write


class RequestLines:
    """The lines of requests that went well: what the pipeline would write, in a third of its time.

    Their keys are known, and of their values only the method and the path are a caller's.
    """

    def __init__(self) -> None:
        self._output: _Output | None = None

    def open(self, output: _Output | None, redactor: Redactor) -> None:
        """Write to `output` from now on, unless a service wants some of the keys redacted."""
        self._output = None if any(map(redactor.is_secret, _OF_A_REQUEST)) else output

    def write(self, context: LogContext, details: Mapping[str, Any]) -> bool:
        """False when the pipeline must write the line, for there is more to it."""
        if self._output is None or structlog.contextvars.get_contextvars():
            return False
        route, client, principal = details["route"], details["client"], context.principal_id
        self._output.write(
            f'{{"timestamp":"{_utc(time.time_ns() // 1000)}","level":"info","event":"request",'
            f'"method":{quoted(redact_text(details["method"]))},'
            f'"path":{quoted(redact_text(details["path"]))},'
            f'"route":{quoted(route) if route else "null"},'
            f'"status":{details["status"] or "null"},"duration_ms":{details["duration_ms"]},'
            f'"client":{quoted(client) if client else "null"},"logger":"{_REQUESTS}",'
            f'"trace_id":"{context.trace_id}","span_id":"{context.span_id}",'
            f'"request_id":"{context.request_id}",'
            f'"principal_id":{quoted(principal) if principal else "null"}}}'
        )
        return True


request_lines: Final = RequestLines()


class _Pipe(logging.Handler):
    """The standard library's side of the pipe."""

    def __init__(self, pipeline: list[Processor], redactor: Redactor, output: _Output) -> None:
        super().__init__()
        self._pipeline = pipeline
        self._redactor = redactor
        self._output = output
        self.addFilter(_Repetition("opentelemetry", seconds=60))

    def emit(self, record: logging.LogRecord) -> None:
        event: Any = {
            **{key: value for key, value in vars(record).items() if key not in _RECORD_KEYS},
            "event": self._message(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "timestamp": _utc(int(record.created * 1_000_000)),
            "exc_info": record.exc_info,
        }
        for processor in self._pipeline:
            event = processor(None, record.levelname.lower(), event)
        self._output.write(event)

    def _message(self, record: logging.LogRecord) -> str:
        """The formatted message; arguments given by name are redacted before they lose it."""
        try:
            if isinstance(record.args, Mapping):
                return str(record.msg) % {
                    key: REDACTED if self._redactor.is_secret(str(key)) else value
                    for key, value in record.args.items()
                }
            return record.getMessage().rstrip()
        except Exception as error:
            return f"[unprintable message: {type(error).__name__}]"


class _Repetition(logging.Filter):
    """Lets a message of one library through once in a while: a collector that is down is news."""

    def __init__(self, library: str, *, seconds: float) -> None:
        super().__init__()
        self._library = library
        self._seconds = seconds
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(self._library):
            return True
        before = self._said.get(str(record.msg))
        if before is not None and record.created - before < self._seconds:
            return False
        self._said[str(record.msg)] = record.created
        return True


def _is_no_socket_line(record: logging.LogRecord) -> bool:
    """Uvicorn's access line of a WebSocket comes from its error log, with the query and all."""
    return not str(record.msg).startswith('%s - "WebSocket ')


def _take_over_standard_library(pipe: _Pipe, level: int) -> None:
    root = logging.getLogger()
    for handler in root.handlers[:]:
        # A test runner's own capture stays; everything else would write a line twice.
        if isinstance(handler, _Pipe) or type(handler) is logging.StreamHandler:
            root.removeHandler(handler)
    root.addHandler(pipe)
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # RequestContextMiddleware writes the access line: with ids, and without the query.
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("uvicorn.error").addFilter(_is_no_socket_line)
    # At debug it has every header and message of a WebSocket.
    logging.getLogger("uvicorn.error").setLevel(max(level, logging.INFO))
    # Their info is a line for each statement, or for each job's every step.
    for name in ("sqlalchemy", "procrastinate", "psycopg", "httpx2", "httpcore2", "urllib3"):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    warnings.showwarning = _log_warning  # type: ignore[assignment]  # called by position


def _add_origin(sink: WrappedLogger, _: str, event: EventDict) -> EventDict:
    event["timestamp"] = _utc(time.time_ns() // 1000)
    event["logger"] = getattr(sink, "name", "root")
    return event


def _utc(microseconds: int) -> str:
    second, microsecond = divmod(microseconds, 1_000_000)
    return f"{_second(second)}.{microsecond:06}Z"


@lru_cache(maxsize=1)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()[:19]


def _add_context(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    context = log_context.get()
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = f"{span.trace_id:032x}"
        event["span_id"] = f"{span.span_id:016x}"
    elif context is not None:
        event["trace_id"] = context.trace_id
        event["span_id"] = context.span_id
    if context is not None:
        event["request_id"] = context.request_id
        event["principal_id"] = context.principal_id
    return event


def _exception(event: EventDict) -> BaseException | None:
    given = event.pop("exc_info", None)
    if isinstance(given, tuple):
        given = given[1]
    elif given and not isinstance(given, BaseException):
        given = sys.exc_info()[1]
    return given if isinstance(given, BaseException) else None


# Frames without their locals, which hold whatever the code held, secrets too (CWE-209).
_exception_data = ExceptionDictTransformer(show_locals=False, max_frames=30)


def _add_exception_data(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if (error := _exception(event)) is not None:
        event["exception"] = _exception_data((type(error), error, error.__traceback__))
    return event


def _add_exception_text(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if (error := _exception(event)) is not None:
        event["exception"] = "".join(traceback.format_exception(error))
    return event


def _redaction(redactor: Redactor) -> Processor:
    def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        # In the order in which a person reads.
        first = {key: event.pop(key) for key in ("timestamp", "level", "event")}
        if (named := redactor.named_secret(event)) in event:
            event[named] = REDACTED
        return {
            key: value if key in _OWN_KEYS else redactor.pair(key, value)
            for key, value in (*first.items(), *event.items())
        }

    return redact


# ASCII only: every control character and line break leaves as an escape (ASVS 16.4.1).
_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def _render_json(_: WrappedLogger, __: str, event: EventDict) -> str:
    return _encode(event)


def _console(*, colors: bool) -> Processor:
    render = structlog.dev.ConsoleRenderer(colors=colors, sort_keys=False)

    def on_one_line(value: Any) -> Any:
        return value.translate(_CONTROLS) if isinstance(value, str) else value

    def render_for_people(sink: WrappedLogger, method: str, event: EventDict) -> str:
        stack = event.pop("exception", None)
        line = str(render(sink, method, {on_one_line(k): on_one_line(v) for k, v in event.items()}))
        if stack is None:
            return line
        # Indented, so that no line of an exception's message passes for a line of the log.
        lines = (text.translate(_CONTROLS) for text in str(stack).splitlines())
        return line + "\n" + textwrap.indent("\n".join(lines), "    ")

    return render_for_people


def _log_uncaught(
    kind: type[BaseException], error: BaseException, stack: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, stack)
        return
    structlog.get_logger("uncaught").critical("uncaught_exception", exc_info=error)


def _log_uncaught_in_thread(failure: threading.ExceptHookArgs) -> None:
    structlog.get_logger("uncaught").critical(
        "uncaught_exception",
        exc_info=failure.exc_value,
        thread=failure.thread.name if failure.thread else None,
    )


def _log_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    _file: TextIO | None = None,
    _line: str | None = None,
) -> None:
    structlog.get_logger("warnings").warning(
        str(message), category=category.__name__, at=f"{filename}:{lineno}"
    )
