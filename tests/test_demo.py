"""`make demo`, as a person starts it."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import unquote

import pytest
from stamping import ROOT


def demo(*options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "demo", *options],
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_without_git_it_says_what_is_missing(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "demo"],
        cwd=ROOT,
        env=os.environ | {"PATH": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 1
    (said,) = ran.stdout.splitlines()
    assert "git is not on the PATH" in said
    assert "install git" in said


@pytest.mark.long
def test_check_walks_through_it() -> None:
    said, _ = demo("--check").communicate(timeout=300)
    for shown in (
        r"sign up .* 202",
        r"log in .* 204 .* __Host-session",
        r"create a booking .* 201",
        r"book without a session .* 401",
        r'"event": "request"',
        r"POST /bookings +[\d.]+ ms",
        r"Restored it elsewhere: \d+ tables",
        r"Stopped, all of it\n\Z",
    ):
        assert re.search(shown, said), f"{shown} is missing:\n{said}"
    (logged,) = set(re.findall(r'"trace_id": "(\w+)"', said))
    assert f"The trace {logged}" in said


def test_stops_everything_on_ctrl_c_and_leaves_an_occupied_port() -> None:
    with socket.socket() as occupied:
        occupied.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # somebody else's already: all the same to us
            occupied.bind(("127.0.0.1", 8000))
            occupied.listen()
        process = demo()
        try:
            said = _until(process, "Ctrl-C stops everything")
            (url,) = set(re.findall(r"(http://localhost:\d+) ", said))
            assert not url.endswith(":8000")
            with urllib.request.urlopen(f"{url}/health/live", timeout=5) as answer:
                assert answer.status == 200
            _follow_links(said)
            assert len(re.findall(r"^  curl ", said, re.MULTILINE)) == 3
            group = _members(process.pid)
            assert len(group) > 1
            data = _data_folder(group)
            assert (data / "postmaster.pid").exists()
        finally:
            os.killpg(process.pid, signal.SIGINT)
            rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0, rest
    assert "Stopped" in rest
    assert _members(process.pid) == set()
    assert not data.exists()
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "args="], check=True, capture_output=True, text=True
    )
    assert str(data) not in listed.stdout, "the PostgreSQL server outlived the demo"


def _follow_links(said: str) -> None:
    """Every address outside of the commands, which post, is there to be opened."""
    shown = "\n".join(line for line in said.splitlines() if "curl" not in line)
    links = re.findall(r"http://localhost:[^\s()\[\]│]+", shown)
    assert len(links) > 1
    # The front page belongs to whoever writes it: a problem there is no fault.
    assert [link for link in links if link.count("/") > 2 and _status(link) != 200] == []


def _status(link: str) -> int:
    try:
        with urllib.request.urlopen(link, timeout=5) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def _until(process: subprocess.Popen[str], said: str) -> str:
    assert process.stdout
    lines = ""
    for line in process.stdout:
        lines += line
        if said in line:
            return lines
    raise AssertionError(f"it ended before it said {said!r}:\n{lines}")


def _data_folder(members: set[int]) -> Path:
    """Where the server keeps its data that the demo's processes are told to use."""
    environments = [Path(f"/proc/{member}/environ").read_text() for member in members]
    (url,) = set(re.findall(r"DATABASE_URL=([^\0]+)", "".join(environments)))
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "args="], check=True, capture_output=True, text=True
    ).stdout
    told = unquote(url)
    servers = re.findall(
        r"^\S+/postgres -D (\S+) .*\bport=(\d+).*\bunix_socket_directories=(\S+)",
        listed,
        re.MULTILINE,
    )
    (folder,) = [
        folder
        for folder, port, sockets in servers
        if (sockets in told if "host=" in told else f":{port}/" in told)
    ]
    return Path(folder)


def _members(session: int) -> set[int]:
    """Give the processes of a session, which the postgres server leaves as any daemon does."""
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "pid=,sess=,args="], check=True, capture_output=True, text=True
    ).stdout
    rows = [line.split(maxsplit=2) for line in listed.splitlines()]
    return {int(pid) for pid, sid, *_ in rows if int(sid) == session}


@pytest.mark.long
def test_a_prototype_is_adopted_and_served_through_its_service() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "demo.adopting", "--check"],
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1", "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    for shown in (
        r"Inspected it: \S+\.html",
        r"On the branch roadworthy/adopt, \d commits",
        r"Levels, before and after",
        r"The front page is the same, through the service and without it",
        r"is answered by the service itself",
        r'"event": "gate_would_refuse"',
        r'"trace_id": "\w{32}"',
        r"Stopped, all of it\n\Z",
    ):
        assert re.search(shown, ran.stdout), f"{shown} is missing:\n{ran.stdout}"
