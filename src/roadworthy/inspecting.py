"""`roadworthy inspect`: what the command does with its options."""

import os
import re
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from .inspection import Inspection, Rule, Severity, Wanted, catalogue, inspect
from .inspection.difference import read_earlier
from .inspection.run import check_tree, unknown_rule
from .refusal import BadAnswer, CantLook
from .report import FORMATS, page, summary

FOUND = 1
_SOURCE = re.compile(r"osv$|https?://[^/]", re.IGNORECASE)
_SEVERITIES = tuple(severity.label for severity in reversed(Severity))


@dataclass(frozen=True)
class Request:
    """What was asked for, checked before anything is looked at."""

    path: Path
    wanted: Wanted
    html: Path | None
    format: str | None
    output: Path | None
    fail_on: Severity | None
    earlier: Mapping[str, Any] | None

    @classmethod
    def of(
        cls,
        path: Path,
        wanted: Wanted,
        files: tuple[Path | None, Path | None, Path | None],
        format_: str | None,
        fail_on: str | None,
    ) -> "Request":
        html, output, since = files
        check_tree(path)
        if wanted.advisories is not None and not _SOURCE.match(wanted.advisories):
            raise BadAnswer(
                f"--advisories {wanted.advisories}: it is osv, or a URL such as https://api.osv.dev."
            )
        if format_ is not None and format_ not in FORMATS:
            raise BadAnswer(f"--format {format_}: there are {', '.join(FORMATS)}.")
        if output is not None and format_ is None:
            raise BadAnswer(f"--output needs --format: {', '.join(FORMATS)}.")
        for option, file in (("--html", html), ("--output", output)):
            _check_writable(option, file)
        if html is not None and output is not None and html.resolve() == output.resolve():
            raise BadAnswer(f"--html and --output are one file, {html}: name two.")
        return cls(
            path=path,
            wanted=wanted,
            html=html,
            format=format_,
            output=output,
            fail_on=None if fail_on is None else _severity(fail_on),
            earlier=None if since is None else read_earlier(since),
        )


def run(request: Request) -> int:
    """Look, and write what was asked for; gives the exit code."""
    console = Console(stderr=True, highlight=False)
    with stopped_cleanly(), shown_progress(console) as progress:
        found = inspect(request.path, request.wanted, progress, request.earlier)
    if request.html is not None:
        _write("--html", request.html, page(found))
    text = FORMATS[request.format](found) if request.format else None
    if text is not None and request.output is not None:
        _write("--output", request.output, text)
    with _to_standard_output():
        if text is not None and request.output is None:
            sys.stdout.buffer.write(text.encode("utf-8", "replace"))
        else:
            _show(found, request)
    return FOUND if _meets(found, request.fail_on) else 0


def explain(pattern: str) -> None:
    """Say what the rules are about: one in full, several in a list."""
    rules = catalogue()
    chosen = [rule for name, rule in sorted(rules.items()) if fnmatchcase(name, pattern)]
    if not chosen:
        raise BadAnswer(f"--explain {pattern}: {unknown_rule(pattern, sorted(rules))}")
    with _to_standard_output():
        _list(chosen, _Printed(highlight=False))


def _list(rules: Sequence[Rule], console: Console) -> None:
    if len(rules) == 1:
        _explain(rules[0], console)
        return
    for rule in rules:
        line = Text.assemble((f"{rule.id:34} ", "bold"), f"{rule.severity.label:9}", rule.title)
        console.print(line, soft_wrap=True)


def _explain(rule: Rule, console: Console) -> None:
    references = ", ".join([*rule.cwe, *(f"ASVS {it}" for it in rule.asvs)])
    console.print(Text(f"{rule.id}: {rule.title}", style="bold"))
    facts = (rule.severity.label, rule.area, f"{rule.effort} to mend", references)
    console.print(Text(" · ".join(filter(None, facts)), style="dim"))
    for text in (rule.why, rule.mend):
        console.print()
        console.print(Text(" ".join(text.split())))
    console.print()
    for line in rule.example.rstrip().splitlines():
        console.print(Text(f"    {line}"), soft_wrap=True)


def _show(found: Inspection, request: Request) -> None:
    console = _Printed(highlight=False)
    console.print(summary(found))
    for file in filter(None, (request.html, request.output)):
        console.print(Text(f"\nWritten to {file}"), soft_wrap=True)
    if request.html is None and request.output is None:
        console.print(
            Text("\nEverything, line by line: add --html report.html", style="dim"), soft_wrap=True
        )


def _meets(found: Inspection, floor: Severity | None) -> bool:
    return floor is not None and any(issue.severity >= floor for issue in found.issues)


def _severity(label: str) -> Severity:
    if label not in _SEVERITIES:
        raise BadAnswer(f"--fail-on {label}: there are {', '.join(_SEVERITIES)}.")
    return Severity[label.upper()]


def _check_writable(option: str, file: Path | None) -> None:
    if file is None:
        return
    if file.is_dir():
        raise BadAnswer(f"{option} {file} is a folder: name a file.")
    folder = file.absolute().parent
    if not folder.is_dir():
        raise BadAnswer(f"{option} {file}: there is no folder {folder}.")
    if not os.access(file if file.exists() else folder, os.W_OK):
        raise BadAnswer(f"{option} {file} can't be written to: you may not.")


def _write(option: str, file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise CantLook(f"{option} {file} can't be written: {error.strerror}.") from error


class _Printed(Console):
    def on_broken_pipe(self) -> None:
        """Otherwise it would exit with 1, which is for what --fail-on speaks of."""
        raise BrokenPipeError


@contextmanager
def _to_standard_output() -> Iterator[None]:
    """Who stops reading is no error; a disk that is full is not what --fail-on speaks of."""
    if sys.stdout is None:
        raise CantLook("There is no standard output to write to: it was closed.")
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        # What is left in the buffer would be tried once more at the very end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            sys.exit(128 + signal.SIGPIPE)
        raise CantLook(f"Standard output can't be written to: {error.strerror}.") from error


@contextmanager
def stopped_cleanly() -> Iterator[None]:
    """SIGTERM ends as Ctrl-C does: children stopped, temporary files removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupted = signal.getsignal(signal.SIGINT)
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGINT, interrupted)


def hold_interrupts() -> None:
    """Let Ctrl-C, which goes to git as well, wait until `stopped_cleanly` is over: for a last step
    that takes a moment, so that whoever presses it finds nothing changed or is told what was.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def shown_progress(console: Console) -> Iterator["_Shown"]:
    bar = Progress(
        SpinnerColumn(finished_text=" "),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[said]}", style="dim"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        yield _Shown(bar)


class _Shown:
    """A line for each guard that is at work, gone when all is done."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._tasks: dict[str, Any] = {}

    def __call__(self, event: Mapping[str, Any]) -> None:
        guard = str(event["guard"])
        if event.get("state") == "started":
            self._tasks[guard] = self._bar.add_task(guard, total=1, said="")
            return
        task = self._tasks.get(guard)
        if task is not None:
            findings = event.get("findings", 0)
            said = "could not look" if event.get("state") == "failed" else f"{findings} found"
            self._bar.update(task, completed=1, said=said)
