"""Guards as they are run: what can't look is no pass, and nothing of the tree is executed."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from guardrails import guards as guards_package
from guardrails.engine.children import Children
from guardrails.engine.guards import Guard, InvalidGuards, load_guards
from guardrails.engine.runner import run_guards
from guardrails.engine.tree import walk


def guards_file(folder: Path, text: str) -> Path:
    (folder / "guards.toml").write_text(textwrap.dedent(text), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["{python}", "-c", "import sys; sys.exit('out of memory')"], "it stopped with 1: out of"),
        (["{python}", "-c", "print('hello')"], "it printed no SARIF"),
        (["{python}", "-c", 'print(\'{"runs": [{"results": [{}]}]}\')'], "it printed no SARIF"),
        (["{python}", "-c", "import time; time.sleep(60)"], "it was stopped after 1 s"),
        (["no-such-program"], "no-such-program did not start"),
    ],
)
def test_a_guard_that_can_not_look_is_no_pass(command: list[str], why: str, tmp_path: Path) -> None:
    words = ", ".join(f"'''{word}'''" for word in command)
    guards = load_guards(guards_file(tmp_path, f"[odd]\ncommand = [{words}]\nseconds = 1\n"))
    (run,) = run_guards(walk(tmp_path), guards)["runs"]
    assert run["properties"]["broken"].startswith(why)
    assert run["properties"]["notChecked"][0]["what"] == "odd"


@pytest.mark.parametrize("left", ["start_new_session=False", "start_new_session=True"])
def test_what_a_guard_left_behind_is_not_waited_for(left: str, tmp_path: Path) -> None:
    """It keeps the guard's pipe open, and without an end of its own would for the deadline."""
    lasting = f"sleep {2000 + os.getpid()}"
    look = f"""
        import subprocess
        subprocess.Popen({lasting.split()!r}, {left})
        print('{{"runs": [{{"tool": {{"driver": {{"name": "odd"}}}}, "results": []}}]}}')
    """
    (tmp_path / "look.py").write_text(textwrap.dedent(look), encoding="utf-8")
    command = f"['{{python}}', '{tmp_path / 'look.py'}']"
    guards = load_guards(guards_file(tmp_path, f"[odd]\ncommand = {command}\nseconds = 30\n"))
    since = time.monotonic()
    (run,) = run_guards(walk(tmp_path), guards)["runs"]
    assert "broken" not in run["properties"]
    assert time.monotonic() - since < 15
    found = subprocess.run(["pgrep", "-f", lasting], capture_output=True, text=True, check=False)
    for process in found.stdout.split():
        os.kill(int(process), signal.SIGKILL)
    assert bool(found.stdout) is ("True" in left)


def test_the_guard_that_may_take_longest_starts_first(tmp_path: Path) -> None:
    """And stands where the list has it."""
    command = ("{python}", "-c", "print('hello')")
    guards = [Guard(f"odd{seconds}", command, seconds) for seconds in (10, 30, 20)]
    started: list[str] = []

    def note(event: Mapping[str, Any]) -> None:
        if event["state"] == "started":
            started.append(event["guard"])

    document = run_guards(walk(tmp_path), guards, note)
    assert started == ["odd30", "odd20", "odd10"]
    names = [run["tool"]["driver"]["name"] for run in document["runs"]]
    assert names == ["odd10", "odd30", "odd20"]


def test_a_guard_imports_nothing_from_the_tree(tmp_path: Path) -> None:
    (tmp_path / "yaml.py").write_text("raise SystemExit('the tree was imported')")
    (tmp_path / "guardrails").mkdir()
    (tmp_path / "guardrails" / "__init__.py").write_text("raise SystemExit('imported')")
    command = "['{python}', '-c', 'import yaml, guardrails; print(guardrails.__file__)']"
    guards = load_guards(guards_file(tmp_path, f"[odd]\ncommand = {command}\n"))
    (run,) = run_guards(walk(tmp_path), guards)["runs"]
    assert "imported" not in run["properties"]["broken"]


@pytest.mark.parametrize(
    "text",
    ["[a\n", "a = 1\n", "[a]\ncommand = 'x'\n", "[a]\ncommand = ['x']\nsecond = 2\n"],
)
def test_a_list_of_guards_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidGuards, match=r"guards\.toml"):
        load_guards(guards_file(tmp_path, text))


def ours(folder: Path, name: str, body: str, monkeypatch: pytest.MonkeyPatch) -> Guard:
    """A guard as those of `guards.toml` are, in a package of that name."""
    package = folder / "elsewhere"
    package.mkdir()
    (package / f"{name}.py").write_text(textwrap.dedent(body), encoding="utf-8")
    monkeypatch.setattr(guards_package, "__path__", [*guards_package.__path__, str(package)])
    command = ("{python}", "-m", f"guardrails.guards.{name}", "--inventory", "{inventory}")
    return Guard(name, command, seconds=2)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("raise MemoryError('no room')", "it stopped with 1: MemoryError: no room"),
        ("raise SystemExit(0)", "it stopped with 1: SystemExit"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "it stopped with -9"),
        ("import os; os._exit(0)", "it printed no SARIF"),
        ("import time; time.sleep(60)", "it was stopped after 2 s"),
        ("import os, time; os.close(1); os.close(2); time.sleep(60)", "it was stopped after 2 s"),
    ],
)
def test_a_guard_in_a_fork_that_can_not_look_is_no_pass(
    body: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"def look(tree):\n    {body}\n"
    hostile = ours(tmp_path, f"odd{abs(hash(body))}", text, monkeypatch)
    sound = next(guard for guard in load_guards() if guard.name == "structure")
    first, second = run_guards(walk(tmp_path), [hostile, sound])["runs"]
    assert first["properties"]["broken"].startswith(why)
    assert first["properties"]["notChecked"][0]["what"] == hostile.name
    assert "broken" not in second["properties"]


def test_a_guard_in_a_fork_imports_nothing_from_the_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "sndhdr.py").write_text("raise SystemExit('the tree was imported')")
    text = "def look(tree):\n    import sndhdr\n    raise RuntimeError(sndhdr.__file__)\n"
    guard = ours(tmp_path, "importing", text, monkeypatch)
    monkeypatch.chdir(tree)
    monkeypatch.syspath_prepend(str(tree))
    (run,) = run_guards(walk(tree), [guard])["runs"]
    assert "RuntimeError" in run["properties"]["broken"]
    assert str(tree) not in run["properties"]["broken"]


def test_an_interruption_at_the_birth_of_a_guard_leaves_it_not_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    born: list[int] = []
    fork = os.fork

    def interrupted() -> int:
        pid = fork()
        if pid:
            born.append(pid)
            signal.raise_signal(signal.SIGINT)  # in this thread: a guard's parent has no other
        return pid

    monkeypatch.setattr(os, "fork", interrupted)
    children = Children(tmp_path, {}, sys.path)
    with pytest.raises(KeyboardInterrupt):
        children.fork(lambda: time.sleep(60) or b"", 90)  # type: ignore[func-returns-value]
    children.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(born[0], 0)


def test_a_guard_whose_reader_is_gone_ends(tmp_path: Path) -> None:
    children = Children(tmp_path, {}, sys.path)
    child = children.fork(lambda: b"x" * 10_000_000, 90)
    for pipe in child.pipes:
        os.close(pipe)
    until = time.monotonic() + 20
    while not child.poll() and time.monotonic() < until:
        time.sleep(0.05)
    assert child.status == 1
