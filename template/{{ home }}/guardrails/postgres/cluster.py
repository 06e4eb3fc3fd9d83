"""The cluster on disk: made whole or not at all, and the process that serves it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from .account import Account, open_place
from .binaries import Binaries
from .errors import PostgresError

Maker = Callable[[Binaries, Account, Path], None]

# The superuser comes in through the socket only, whose folder is closed to other users; what
# every process of this machine can reach is a role without power over the host.
ACCESS = """\
local all all trust
host all app 127.0.0.1/32 trust
"""

FIRST_COMMANDS = """\
create role app login createdb
create database app owner app
"""


def provide_cluster(binaries: Binaries, account: Account, home: Path, make: Maker) -> None:
    """See that there is a cluster in `home`, or a link to one where the account can get."""
    if account.dropped:
        home.chmod(home.stat().st_mode | 0o011)
    data = home / "data"
    if data.exists():
        owner = data.stat().st_uid
        if owner != account.uid:
            raise PostgresError(
                f"{data} was made by another user (uid {owner}). Run as that user, or remove "
                f"{home} to start with an empty database."
            )
        made_by = (data / "PG_VERSION").read_text().strip()
        if made_by != str(binaries.version[0]):
            raise PostgresError(
                f"{data} was made by PostgreSQL {made_by}, and here is {binaries.version[0]}. "
                f"Dump it with the old version first if you need what is in it; then remove "
                f"{home} to start with an empty database."
            )
        return
    data.unlink(missing_ok=True)  # a link to what is gone
    if account.can_enter(home):
        make(binaries, account, data)
        return
    places = open_place("data")
    _remove_forgotten(places)
    place = Path(tempfile.mkdtemp(prefix="data-", dir=places))
    place.chmod(0o711)
    make(binaries, account, place / "data")
    data.symlink_to(place / "data")
    (place / "linked-from").write_text(str(data))


def _remove_forgotten(places: Path) -> None:
    """Remove clusters whose project was deleted, and with it the link to them."""
    for note in places.glob("*/linked-from"):
        cluster = note.with_name("data").resolve()
        link = Path(note.read_text())
        if link.resolve() != cluster and running_postmaster(cluster) is None:
            shutil.rmtree(note.parent, ignore_errors=True)


def create_cluster(binaries: Binaries, account: Account, data: Path) -> None:
    """Make a cluster with the role and the database `app`; it appears when it is complete."""
    partial = data.with_name(f"{data.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    account.own(partial)
    locale = (
        ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if binaries.version >= (17, 0)
        else []
    )
    options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", *locale]
    _run(binaries, account, partial, ["initdb", *options, "--no-sync", "--no-instructions"])
    (partial / "pg_hba.conf").write_text(ACCESS)
    with (partial / "postgresql.conf").open("a") as conf:
        conf.write("timezone = 'UTC'\nlog_timezone = 'UTC'\n")
    _run(binaries, account, partial, ["postgres", "--single"], "postgres", script=FIRST_COMMANDS)
    partial.rename(data)


def _run(
    binaries: Binaries,
    account: Account,
    data: Path,
    command: list[str],
    *arguments: str,
    script: str = "",
) -> None:
    program, *options = command
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    try:
        done = subprocess.run(
            [binaries.path(program), *options, "-D", data, *arguments],
            check=False,
            input=script,
            capture_output=True,
            text=True,
            cwd="/",
            env=kept | {"LC_ALL": "C"},
            **account.privileges,
        )
    except OSError as error:
        raise PostgresError(
            f"{binaries.path(program)} can't be run: {error.strerror}. As root it runs as another "
            f"user (uid {account.uid}), which this machine may forbid; run as a normal user."
        ) from error
    failed = [line for line in done.stderr.splitlines() if "ERROR" in line or "FATAL" in line]
    if done.returncode or failed:
        words = (failed or done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise PostgresError(
            f"A database cluster could not be made in {data}: {words}. Free some space or "
            f"choose another directory with --data, then try again."
        )


def running_postmaster(data: Path) -> int | None:
    """The process that serves this cluster. A number in a stale file may be anybody's."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, 0)
        if str(data.resolve()) in _command_line(pid):
            return pid
    return None


def stop_postmaster(data: Path) -> None:
    for signum in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        deadline = time.monotonic() + 5
        while (pid := running_postmaster(data)) is not None and time.monotonic() < deadline:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signum)
            time.sleep(0.1)


def last_words(log: Path) -> str:
    """Why a server did not start, as it put it."""
    with contextlib.suppress(OSError):
        lines = log.read_text(errors="replace").splitlines()
        for line in lines:
            if "FATAL" in line or "could not" in line:
                return f"{line.partition('FATAL:')[2].strip() or line.strip()}."
        if lines:
            return lines[-1]
    return "it said nothing."


def _command_line(pid: int) -> Sequence[str]:
    if Path("/proc/self/cmdline").exists():
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
    return subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False, text=True
    ).stdout
