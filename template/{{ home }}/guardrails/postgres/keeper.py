"""The server's parent: runs PostgreSQL for as long as somebody holds a lease on its folder.

A process of its own, because whoever started the server may be killed with SIGKILL and could then
clean up nothing. A lease is a shared lock that the kernel takes back when its holder dies; the
keeper waits for the exclusive one. Run by path, with the standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

PATIENCE = 10  # seconds for open transactions to end before the server is stopped the hard way

ASKED, UNUSED, ENDED = b"a", b"u", b"e"


def keep(home: Path, command: list[str], account: dict[str, Any], ephemeral: bool) -> bytes:
    """Run the server until it is asked to stop, unused or dead; say which."""
    lock = os.open(home / "keeper.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())

    # Events arrive through a pipe: a signal handler must not touch a lock that it may interrupt.
    events, event = os.pipe()

    def asked(_signum: int, _frame: FrameType | None) -> None:
        os.write(event, ASKED)

    def wait_for_leases() -> None:
        lease = os.open(home / "lease", os.O_RDWR)
        fcntl.flock(lease, fcntl.LOCK_EX)
        if (home / "keep").exists():
            os.close(lease)
        else:
            os.write(event, UNUSED)

    def wait_for_server() -> None:
        server.wait()
        os.write(event, ENDED)

    signal.signal(signal.SIGTERM, asked)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with (home / "postgres.log").open("ab") as log:
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            **account,
        )
    for wait in (wait_for_leases, wait_for_server):
        threading.Thread(target=wait, daemon=True).start()

    reason = os.read(events, 1)
    # Data that nobody will read again needs no last checkpoint.
    first = signal.SIGQUIT if reason == UNUSED and ephemeral else signal.SIGINT
    for signum in (first, signal.SIGQUIT, signal.SIGKILL):
        server.send_signal(signum)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(PATIENCE)
            break
    return reason


def main(
    home: Path, command: list[str], account: dict[str, Any], sockets: str, ephemeral: bool
) -> None:
    reason = keep(home, command, account, ephemeral)
    shutil.rmtree(sockets, ignore_errors=True)
    if reason == UNUSED and ephemeral:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), **json.loads(sys.argv[2]))
    # A thread may still wait for a lease; there is nothing left for it to do.
    os._exit(0)
