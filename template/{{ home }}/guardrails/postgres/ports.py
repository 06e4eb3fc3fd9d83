"""The port that a server listens on: asked for, the last one again, or any that is free."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

from .errors import PostgresError


def choose_port(wanted: int | None, last: Path) -> int:
    if wanted is not None:
        if not _is_free(wanted):
            raise PostgresError(
                f"Port {wanted} is in use by another program. Stop that program, or leave out "
                f"--port and let the server pick a free one."
            )
        return wanted
    # The last one if it can be had, so that who was connected finds a restarted server.
    with contextlib.suppress(OSError, ValueError):
        port = int(last.read_text())
        if _is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
