"""`make demo`, as a person starts it."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from urllib.error import HTTPError

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
        finally:
            os.killpg(process.pid, signal.SIGINT)
            rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0, rest
    assert "Stopped" in rest
    assert _members(process.pid) == set()


def _follow_links(said: str) -> None:
    """Every address outside of the commands, which post, is there to be opened."""
    shown = "\n".join(line for line in said.splitlines() if "curl" not in line)
    links = re.findall(r"http://localhost:[^\s()\[\]│]+", shown)
    assert len(links) > 1
    for link in links:
        try:
            urllib.request.urlopen(link, timeout=5).close()
        except HTTPError as error:
            # The front page belongs to whoever writes it: that this one is a problem is no fault.
            assert link.count("/") == 2, f"{link} answers {error.code}"


def _until(process: subprocess.Popen[str], said: str) -> str:
    assert process.stdout
    lines = ""
    for line in process.stdout:
        lines += line
        if said in line:
            return lines
    raise AssertionError(f"it ended before it said {said!r}:\n{lines}")


def _members(session: int) -> set[int]:
    """Give the processes of a session, which the postgres server leaves as any daemon does."""
    listed = subprocess.run(
        ["ps", "-eo", "pid=,sess=,args="], check=True, capture_output=True, text=True
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
