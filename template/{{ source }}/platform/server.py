"""Runs the application on uvicorn."""

import os
import socket
from importlib.util import find_spec
from pathlib import Path

import uvicorn

from .heads import BoundedHeadProtocol
from .service import Service


class AddressInUse(Exception):
    """Somebody else listens there."""


def serve(service: Service, *, host: str, port: int, reload: bool) -> None:
    """Serve until SIGTERM or Ctrl-C, then finish what runs.

    Raises:
        AddressInUse: the address can't be listened on.
    """
    _refuse_occupied(host, port)
    package = __package__.rpartition(".")[0]
    uvicorn.run(
        f"{package}.app:create_app" if reload else service.app,
        factory=reload,
        reload=reload,
        reload_dirs=_source_folders(package) if reload else None,
        host=host,
        port=port,
        http=BoundedHeadProtocol,
        log_config=None,
        access_log=False,  # RequestContextMiddleware writes a better line
        server_header=False,
        date_header=True,
        proxy_headers=False,  # RequestContextMiddleware believes the hops it was told of
        # No route takes a WebSocket (platform.access), but what is behind the service may.
        ws="websockets-sansio" if service.fallback else "none",
        ws_per_message_deflate=False,  # memory for every connection, and a way to fill it
        timeout_keep_alive=75,
        timeout_graceful_shutdown=int(service.platform.settings.shutdown_grace),
    )


def _source_folders(package: str) -> list[str]:
    spec = find_spec(package)
    return [str(Path(spec.origin).parent)] if spec and spec.origin else []


def _refuse_occupied(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise AddressInUse(
                f"Can't listen on {host}:{port}: {os.strerror(error.errno or 0)}. Stop what "
                "listens there, or name another with --port or PORT."
            ) from error
