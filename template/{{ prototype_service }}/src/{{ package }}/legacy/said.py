"""What a mounted prototype prints and logs: lines of the service's log, with the request's ids."""

import io
import logging
import sys
import threading
from collections.abc import Iterator
from typing import TextIO

import structlog

_printed = structlog.get_logger("prototype.print")


class Said:
    """Takes over standard output and the standard library's handlers, and gives output back.

    Standard error stays: the service's own lines go there.
    """

    def __init__(self) -> None:
        self._before: TextIO | None = None

    def begin(self) -> None:
        """Before the prototype is loaded: what it prints then is heard too."""
        self._before = sys.stdout
        sys.stdout = _Lines(self._before)

    def settle(self) -> None:
        """Once it is loaded: handlers that it made would write plain lines beside the service's."""
        for logger in _loggers():
            for handler in logger.handlers[:]:
                if isinstance(handler, logging.StreamHandler) and _is_standard(handler.stream):
                    logger.removeHandler(handler)
                    logger.propagate = True

    def end(self) -> None:
        if self._before is not None:
            sys.stdout = self._before


class _Lines(io.TextIOBase):
    """Standard output for text; its bytes and its descriptor are still the real one's."""

    def __init__(self, real: TextIO) -> None:
        self._real = real
        # One print writes in several pieces, all from one thread.
        self._unfinished = threading.local()

    @property
    def encoding(self) -> str:  # type: ignore[override]  # the base has an attribute
        return "utf-8"

    @property
    def buffer(self) -> object:
        return self._real.buffer

    def fileno(self) -> int:
        return self._real.fileno()

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        *lines, rest = (getattr(self._unfinished, "text", "") + text).split("\n")
        self._unfinished.text = rest
        for line in lines:
            if line.strip():
                _printed.info(line.rstrip())
        return len(text)


def _loggers() -> Iterator[logging.Logger]:
    yield logging.getLogger()
    for logger in list(logging.Logger.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            yield logger


def _is_standard(stream: object) -> bool:
    return stream in {sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__} or isinstance(
        stream, _Lines
    )
