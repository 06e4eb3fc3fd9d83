"""One JSON line for whatever the prototype prints or logs, with the ids of the request."""

import io
import json
import logging
import sys
import threading
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime, timezone
from types import MappingProxyType, TracebackType
from typing import Any, TextIO

from .redaction import Redactor
from .settings import REDACT_KEYS, SERVICE

# request_id, trace_id and span_id of the request that is being served.
ids: ContextVar[Mapping[str, str]] = ContextVar("ids", default=MappingProxyType({}))

_redactor = Redactor(REDACT_KEYS)
_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
_lock = threading.Lock()
_standard: TextIO = sys.stderr
_plain_emit = logging.StreamHandler.emit
_RECORD_KEYS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "color_message", "taskName"}
# Our own request line has what these have, with ids and without the query.
_ACCESS = frozenset({"uvicorn.access", "gunicorn.access", "werkzeug", "hypercorn.access"})


def write(level: str, event: str, logger: str, **more: Any) -> None:
    line = {
        "timestamp": datetime.now(timezone.utc).isoformat().replace("+00:00", "Z"),
        "level": level,
        "event": _redactor.value(event),
        "logger": logger,
        "service": SERVICE,
        **ids.get(),
        **{key: _redactor.pair(key, value) for key, value in more.items()},
    }
    with _lock:
        try:
            _standard.write(_encode(line) + "\n")
            _standard.flush()
        except (OSError, ValueError):
            return


def take_over() -> None:
    """From now on nothing plain leaves this process, unless it writes bytes."""
    sys.stdout = _Printed(sys.stdout)
    logging.StreamHandler.emit = _emit  # type: ignore[method-assign]
    sys.excepthook = _log_uncaught


def _emit(handler: "logging.StreamHandler[Any]", record: logging.LogRecord) -> None:
    if not _is_standard(handler.stream):
        _plain_emit(handler, record)
        return
    if record.name in _ACCESS and record.levelno <= logging.INFO:
        return
    extra = {key: value for key, value in vars(record).items() if key not in _RECORD_KEYS}
    extra.pop("ids", None)
    if record.exc_info and record.exc_info[1]:
        extra["exception"] = _told(record.exc_info[1])
    write(
        record.levelname.lower(), _message(record), record.name, **{"extra": extra} if extra else {}
    )


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage().rstrip()
    except Exception as error:
        return f"[unprintable message: {type(error).__name__}]"


def _is_standard(stream: object) -> bool:
    return isinstance(stream, _Printed) or stream in {
        sys.stderr, sys.__stderr__, sys.stdout, sys.__stdout__,
    }  # fmt: skip


def _told(error: BaseException) -> dict[str, Any]:
    stack = traceback.extract_tb(error.__traceback__)[-30:]
    return {
        "type": type(error).__name__,
        "message": str(error),
        "stack": [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in stack],
    }


def _log_uncaught(
    kind: type[BaseException], error: BaseException, stack: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, stack)
        return
    write("critical", "uncaught_exception", "uncaught", exception=_told(error))


class _Printed(io.TextIOBase):
    """Standard output for text; its bytes and its descriptor are still the real one's."""

    def __init__(self, real: TextIO) -> None:
        self._real = real
        # One print writes in several pieces, all from one thread.
        self._unfinished = threading.local()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    @property
    def buffer(self) -> Any:
        return self._real.buffer

    def fileno(self) -> int:
        return self._real.fileno()

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        *whole, rest = (getattr(self._unfinished, "text", "") + text).split("\n")
        self._unfinished.text = rest
        for line in whole:
            if line.strip():
                write("info", line.rstrip(), "print")
        return len(text)
