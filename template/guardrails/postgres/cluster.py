"""The cluster on disk: made whole or not at all, and whether a server runs on it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

from .account import Account
from .binaries import Binaries
from .errors import PostgresError

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


def _command_line(pid: int) -> str:
    proc = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self/cmdline").exists():
        return proc.read_text(errors="replace")
    return subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False, text=True
    ).stdout
