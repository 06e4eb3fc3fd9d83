"""Running the guardrails: a subprocess that speaks SARIF, stopped whole when we are."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from roadworthy.refusal import CantLook

from .model import Rule, Severity

Progress = Callable[[Mapping[str, Any]], None]

_CATALOGUE = (
    "import json, sys; from guardrails.engine import rules, sarif; "
    "json.dump(sarif.run('rules', rules.load().values(), []), sys.stdout)"
)
_AS_IT_IS = {"PYTHONDONTWRITEBYTECODE": "1"}
_CUT_SHORT = re.compile(r"marshal data|bad magic number")
_PATIENCE = 20
"""Seconds that the guards get to stop their own children, a database server among them."""


def home() -> Path:
    """Where the package is: beside us in a wheel, put together from the template in a checkout."""
    shipped = Path(__file__).parents[1] / "guardrails_package"
    return shipped if shipped.is_dir() else Path(__file__).parents[3] / "assembled"


def catalogue() -> dict[str, Rule]:
    """Every rule there is, by its id."""
    ran = _printed_catalogue({})
    if ran.returncode and _was_cut_short(ran.stderr):
        ran = _printed_catalogue(_AS_IT_IS)
    if ran.returncode:
        raise CantLook(f"The guardrails can't be read: {_last_line(ran.stderr)}.")
    return rules_of(json.loads(ran.stdout))


def _printed_catalogue(environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", _CATALOGUE],
        env={**_environment(), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def rules_of(run: Mapping[str, Any]) -> dict[str, Rule]:
    return {rule["id"]: _rule(rule) for rule in run["tool"]["driver"].get("rules", ())}


def rules_beside(document: Mapping[str, Any]) -> dict[str, Rule]:
    """Those that no guard of the scan looks for: the ratchet's own."""
    return {rule["id"]: _rule(rule) for rule in document["properties"].get("rules", ())}


def _rule(descriptor: Mapping[str, Any]) -> Rule:
    """A guard of somebody else's knows fewer things about its rules; those get plain defaults."""
    about = descriptor.get("properties", {})
    title = descriptor.get("shortDescription", {}).get("text", descriptor["id"])
    return Rule(
        id=descriptor["id"],
        title=title,
        severity=Severity[about.get("severity", "medium").upper()],
        confidence=about.get("precision", "medium"),
        area=about.get("area", "maintainability"),
        why=descriptor.get("fullDescription", {}).get("text", title),
        mend=descriptor.get("help", {}).get("text", ""),
        example=about.get("example", ""),
        effort=about.get("effort", "hours"),
        grouping=about.get("grouping", "place"),
        cwe=tuple(about.get("cwe", ())),
        asvs=tuple(about.get("asvs", ())),
        guards=tuple(about.get("guards", ())),
    )


def scan(
    root: Path,
    progress: Progress,
    *,
    without: Iterable[str] = (),
    settings: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Run the guards on the tree; gives their one SARIF document. `settings` are variables."""
    command = ["-m", "guardrails", "scan", "--root", str(root), "--progress"]
    for guard in sorted(without):
        command += ["--without", guard]
    document = _json_of(command, progress, settings or {})
    if _was_cut_short(" ".join(_broken(document))):
        document = _json_of(command, progress, {**(settings or {}), **_AS_IT_IS})
    return document


def _broken(document: Mapping[str, Any]) -> Iterator[str]:
    """Why guards could not work."""
    for run in document.get("runs", ()):
        yield str(run.get("properties", {}).get("broken", ""))


def recognise(root: Path) -> dict[str, Any]:
    return _json_of(["-m", "guardrails.stack", "--root", str(root)], lambda _: None, {})


def _json_of(
    arguments: Sequence[str], progress: Progress, environment: Mapping[str, str]
) -> dict[str, Any]:
    try:
        # Elsewhere than in the tree, whose own modules would otherwise be found first (CWE-427).
        with tempfile.TemporaryDirectory(prefix="roadworthy-") as folder:
            output = Path(folder) / "output.json"
            with output.open("wb") as stream:
                status, said = _run(arguments, folder, stream, progress, environment)
            if status and _was_cut_short(said):
                with output.open("wb") as stream:
                    again = {**environment, **_AS_IT_IS}
                    status, said = _run(arguments, folder, stream, progress, again)
            if status:
                raise CantLook(f"The guardrails could not look: {_last_line(said)}.")
            content = json.loads(output.read_bytes())
    except ValueError as error:
        raise CantLook(f"The guardrails printed no JSON: {error}.") from error
    except OSError as error:
        raise CantLook(
            f"There is no room to work in {tempfile.gettempdir()}: {error.strerror or error}. Make "
            "some, or name another folder in TMPDIR."
        ) from error
    if not isinstance(content, dict):
        raise CantLook("The guardrails printed something else than a JSON object.")
    return content


def _run(
    arguments: Sequence[str],
    folder: str,
    output: IO[bytes],
    progress: Progress,
    environment: Mapping[str, str],
) -> tuple[int, str]:
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env=_environment() | {"TMPDIR": folder, **environment},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    said: list[str] = []
    reader = threading.Thread(target=_read, args=(process.stderr, progress, said), daemon=True)
    reader.start()
    try:
        status = process.wait()
        reader.join()
    except BaseException:
        _stop(process)
        raise
    return status, "\n".join(said)


def _read(stream: IO[str] | None, progress: Progress, said: list[str]) -> None:
    for line in stream or ():
        event = _event(line)
        if event is None:
            said.append(line)
        else:
            progress(event)


def _event(line: str) -> Mapping[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "guard" in event else None


def _stop(process: "subprocess.Popen[str]") -> None:
    """Ask as Ctrl-C would, then don't ask. Another Ctrl-C meanwhile doesn't leave it running."""
    with _deaf():
        for sign in (signal.SIGINT, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE)
                return


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return kept | {
        "PYTHONPATH": str(home()),
        "PYTHONSAFEPATH": "1",
        "PYTHONUTF8": "1",
        **_bytecode(),
    }


def _bytecode() -> dict[str, str]:
    """It is kept, or all is compiled each time; not beside the sources, which are stamped.

    The user's own folder for what can be made again is as the XDG Base Directory Specification
    has it.
    """
    compiled = _compiled()
    return {"PYTHONPYCACHEPREFIX": str(compiled)} if compiled else _AS_IT_IS


def _compiled() -> Path | None:
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        cache = given if given.is_absolute() else Path.home() / ".cache"
    except RuntimeError:  # nobody's: a user without a name or a home
        return None
    return cache / "roadworthy" / "bytecode"


def _was_cut_short(said: str) -> bool:
    """Whether what is kept compiled was cut off as it was written, as by a full disk: Python reads
    that as it is, each time (CPython #126606). It is thrown away here.
    """
    compiled = _compiled()
    if compiled is None or not _CUT_SHORT.search(said):
        return False
    shutil.rmtree(compiled, ignore_errors=True)
    return True


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip().rstrip(".") if lines else "they gave no reason"
