"""One PostgreSQL server on one folder, shared by everybody who opens that folder.

<home>/data           the cluster (a link when root had to put it elsewhere)
<home>/lease          held shared by every user; the last one out stops the server
<home>/start.lock     held while a server is being started
<home>/keeper.lock    held by the server's parent (keeper.py) while the server runs
<home>/keep           present while the server should outlive its users
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from .account import SHORT_TEMPORARY, Account
from .binaries import Binaries, find_binaries
from .cluster import (
    create_cluster,
    last_words,
    provide_cluster,
    running_postmaster,
    stop_postmaster,
)
from .errors import PostgresError
from .locks import Lock
from .ports import choose_port
from .pristine import provide_copy

START_TIMEOUT = 30.0
ATTEMPTS = 5
KEEPER = Path(__file__).with_name("keeper.py")

# Keepers that go on for other users of their server: they are not ours to wait for.
_SHARED: list[subprocess.Popen[bytes]] = []

FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "256MB",
    # Its processes are the superuser's: `app` could not drop a database while one is in it.
    "autovacuum": "off",
    # In the server's own folder, so that nothing of it outlives that.
    "dynamic_shared_memory_type": "mmap",
}


class PostgresServer:
    """`ephemeral` trades durability for speed and deletes the folder after its last user."""

    def __init__(self, home: Path, *, ephemeral: bool = False, port: int | None = None) -> None:
        self.home = home.resolve()
        self.ephemeral = ephemeral
        self.fixed_port = port
        self.account = Account.current()
        self._lease: Lock | None = None
        self._keeper: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        return int((self.home / "port").read_text())

    @property
    def url(self) -> str:
        """For the service: a role that owns its database and may create others, no superuser."""
        return f"postgresql://app@127.0.0.1:{self.port}/app"

    @property
    def admin_url(self) -> str:
        """For tools: the superuser, through a socket that only this account can open."""
        return f"postgresql://postgres@/postgres?host={self.sockets}&port={self.port}"

    @property
    def sockets(self) -> Path:
        # A socket's path may not pass 107 bytes, so it does not lie in the project.
        key = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]
        return SHORT_TEMPORARY / f"postgres-socket-{key}"

    @property
    def pid(self) -> int | None:
        """The running server's process, or None."""
        return running_postmaster(self.home / "data")

    @property
    def binaries(self) -> Binaries:
        return find_binaries().reachable_by(self.account)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Take a lease, and start the server unless it already runs."""
        try:
            self._take_lease()
            if self._keeper is not None and self._keeper.poll() is not None:
                self._keeper = None
            with Lock(self.home / "start.lock").exclusive():
                if not self._is_kept() or not self._wait_until_ready():
                    self._launch()
        except BaseException:
            self.close()
            raise

    def stop(self) -> None:
        """Stop the server for everybody, keeping its data."""
        (self.home / "keep").unlink(missing_ok=True)
        if self._is_kept():
            with contextlib.suppress(OSError, ValueError):
                os.kill(int((self.home / "keeper.lock").read_text()), signal.SIGTERM)
            self._wait_for_keeper()
        else:
            self._stop_orphan()

    def close(self) -> None:
        """Give the lease back. The last one out stops the server."""
        if self._lease is None:
            return
        lease, self._lease = self._lease, None
        last = lease.try_exclusive()
        if last and not self._is_kept():
            self._stop_orphan()
            if self.ephemeral:
                self._remove()
        lease.release()
        if last and not (self.home / "keep").exists() and self._is_stopped_by_keeper():
            self._wait_for_keeper()
        elif self._keeper is not None:
            _SHARED.append(self._keeper)

    def outlive_users(self) -> None:
        """Leave the server running until `stop`."""
        (self.home / "keep").touch()

    def _take_lease(self) -> None:
        if self._lease is not None:
            return
        while True:
            try:
                self.home.mkdir(parents=True, exist_ok=True)
                lease = Lock(self.home / "lease")
            except OSError as error:
                raise PostgresError(
                    f"The database cannot be kept in {self.home}: {error.strerror}. Make the "
                    f"directory writable for this user, or name another one with --data."
                ) from error
            lease.acquire_shared()  # waits while the last user's server is still stopping
            if lease.is_current():
                self._lease = lease
                return
            lease.release()

    def _launch(self) -> None:
        self._stop_orphan()
        binaries = self.binaries
        make = provide_copy if self.ephemeral else create_cluster
        provide_cluster(binaries, self.account, self.home, make)
        for attempt in range(1, ATTEMPTS + 1):
            self._start_keeper(binaries)
            if self._wait_until_ready():
                return
            self._wait_for_keeper()
            # Lost the race for a port, or the backends of a killed server are still leaving.
            time.sleep(0.2 * attempt)
        reason = last_words(self.home / "postgres.log")
        raise PostgresError(
            f"PostgreSQL does not start on {self.home}: {reason} Mend that, or choose another "
            f"directory with --data."
        )

    def _start_keeper(self, binaries: Binaries) -> None:
        port = choose_port(self.fixed_port, self.home / "port")
        data = (self.home / "data").resolve()
        # Left by a server that was killed. Its process number may belong to somebody else by now,
        # and PostgreSQL would not start.
        (data / "postmaster.pid").unlink(missing_ok=True)
        shutil.rmtree(self.sockets, ignore_errors=True)
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": str(self.account.own(self.sockets)),
            "max_connections": "200",
            **(FAST if self.ephemeral else {}),
        }
        command = [str(binaries.path("postgres")), "-D", str(data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        order = {
            "command": command,
            "account": self.account.privileges,
            "sockets": str(self.sockets),
            "ephemeral": self.ephemeral,
        }
        (self.home / "port").write_text(str(port))
        with (self.home / "postgres.log").open("wb") as log:
            self._keeper = subprocess.Popen(
                [sys.executable, "-I", str(KEEPER), str(self.home), json.dumps(order)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _is_kept(self) -> bool:
        return Lock.is_held(self.home / "keeper.lock")

    def _wait_until_ready(self) -> bool:
        """Wait for the server; False if it ended instead."""
        status = self.home / "data" / "postmaster.pid"
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, IndexError):
                if status.read_text().splitlines()[7].strip() == "ready":
                    return True
            if self._keeper.poll() is not None if self._keeper else not self._is_kept():
                return False
            time.sleep(0.01)
        raise PostgresError(
            f"PostgreSQL on {self.home} was not ready within {START_TIMEOUT:.0f} s. Its log is "
            f"{self.home / 'postgres.log'}."
        )

    def _is_stopped_by_keeper(self) -> bool:
        """Whether the keeper took the lease that was given back, or another user was faster."""
        deadline = time.monotonic() + 5
        while self._is_kept() and time.monotonic() < deadline:
            if Lock.is_held(self.home / "lease"):
                return True
            time.sleep(0.01)
        return not self._is_kept()

    def _wait_for_keeper(self) -> None:
        while self._is_kept():
            time.sleep(0.01)
        if self._keeper is not None:
            self._keeper.wait()
            self._keeper = None

    def _stop_orphan(self) -> None:
        """Stop a server whose keeper was killed: nothing would ever stop it."""
        stop_postmaster(self.home / "data")
        shutil.rmtree(self.sockets, ignore_errors=True)

    def _remove(self) -> None:
        # The backends of a server that was killed may write for a moment yet.
        for _ in range(ATTEMPTS):
            shutil.rmtree(self.home, ignore_errors=True)
            if not self.home.exists():
                return
            time.sleep(0.2)

    @classmethod
    def reap(cls, home: Path) -> None:
        """Remove a throwaway server whose users and keeper were all killed at once."""
        if home.lstat().st_uid != os.geteuid() or not (home / "lease").exists():
            return
        left = cls(home, ephemeral=True)
        left._lease = Lock(home / "lease")
        if left._lease.try_exclusive():
            left.close()
        else:
            left._lease.release()


@contextlib.contextmanager
def temporary_server(name: str | None = None) -> Iterator[PostgresServer]:
    """A throwaway server; processes that give the same name share one."""
    scratch = Account.current().scratch()
    prefix = f"postgres-{os.geteuid()}-"
    for home in scratch.glob(f"{prefix}*"):
        with contextlib.suppress(OSError):  # somebody else may be removing it
            PostgresServer.reap(home)
    server = PostgresServer(
        scratch / f"{prefix}{name or f'{os.getpid()}-{time.monotonic_ns():x}'}", ephemeral=True
    )
    with server:
        yield server
