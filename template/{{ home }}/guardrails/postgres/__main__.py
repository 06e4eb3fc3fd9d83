"""The driver's command line; `run` is what the Makefile wraps its commands in."""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from types import FrameType

from .errors import PostgresError
from .server import PostgresServer, temporary_server

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        if options.action == "run":
            return run(options.command, options.data, options.port)
        server = PostgresServer(options.data, port=getattr(options, "port", None))
        if options.action == "start":
            with server:
                server.outlive_users()
                print(server.url)
        elif options.action == "stop":
            server.stop()
        else:
            print(server.url if server.pid else f"no server runs on {options.data}")
            return 0 if server.pid else 3
    except PostgresError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m guardrails.postgres")
    actions = parser.add_subparsers(dest="action", required=True)
    run_action = actions.add_parser(
        "run",
        help="run a command with DATABASE_URL set",
        description="Run a command with DATABASE_URL set to a server of its own, or to the one "
        "that DATABASE_URL already names. The server stops with the last command that uses it.",
    )
    run_action.add_argument("--data", type=Path, help="keep the data here (default: throw away)")
    run_action.add_argument("--port", type=int, help="listen on this port (default: a free one)")
    run_action.add_argument("command", nargs="+", metavar="COMMAND")
    for name, text in (
        ("start", "start a server that stays until `stop`"),
        ("stop", "stop the server, whoever uses it"),
        ("status", "print the server's URL; exit 3 if none runs"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("--data", type=Path, default=Path(".postgres"))
        if name == "start":
            action.add_argument("--port", type=int)
    return parser


def run(command: list[str], data: Path | None, port: int | None) -> int:
    if os.environ.get("DATABASE_URL") or (data is not None and _named_in_env_file()):
        return _supervise(command, dict(os.environ))
    serving: AbstractContextManager[PostgresServer] = (
        temporary_server() if data is None else PostgresServer(data, port=port)
    )
    with serving as server:
        # pg_dump and psql of the server's own version come first.
        path = f"{server.binaries.directory}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return _supervise(command, os.environ | {"DATABASE_URL": server.url, "PATH": path})


def _named_in_env_file() -> bool:
    """Whether the service will find a DATABASE_URL of the developer's own choice."""
    try:
        text = Path(".env").read_text(encoding="utf-8")
    except OSError:
        return False
    return re.search(r"^\s*(export\s+)?DATABASE_URL\s*=\s*\S", text, re.MULTILINE) is not None


def _supervise(command: list[str], environment: dict[str, str]) -> int:
    """Run the command; pass on what we are sent, and answer with its exit code."""
    # On Ctrl-C the terminal itself tells every process of the foreground group: a copy from us
    # would be the second interrupt, which makes servers drop their requests. Otherwise the
    # command gets a group of its own, so that whatever is sent to ours reaches it once.
    terminal = _in_foreground()
    received: list[int] = []
    child: subprocess.Popen[bytes] | None = None

    def forward(signum: int, _frame: FrameType | None) -> None:
        if child is None:
            received.append(signum)
        elif not (terminal and signum in (signal.SIGINT, signal.SIGQUIT)):
            child.send_signal(signum)

    previous = {signum: signal.signal(signum, forward) for signum in FORWARDED}
    try:
        child = subprocess.Popen(command, env=environment, process_group=None if terminal else 0)
        for signum in received:
            child.send_signal(signum)
        code = child.wait()
    except OSError as error:
        print(f"error: {command[0]} cannot be run: {error.strerror}.", file=sys.stderr)
        return 127
    finally:
        for signum, handler in previous.items():
            signal.signal(signum, handler)
    return 128 - code if code < 0 else code


def _in_foreground() -> bool:
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
