"""Migrate, serve and show: runs below the PostgreSQL driver, inside the stamped project."""

import argparse
import json
import os
import re
import sys
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.tree import Tree

from .service import Failure, command, create_user, running
from .traces import Receiver, receiving
from .walk import Walk, concert

EMAIL = "ada@example.com"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--svg", type=Path)
    options = parser.parse_args()
    console = Console(
        highlight=False,
        record=options.svg is not None,
        width=100 if options.svg else None,
    )
    try:
        command("migrate")
        password = create_user(EMAIL, "admin")
        _done(console, "Migrated its PostgreSQL, and made a user")
        if options.check:
            _check(console, password)
        else:
            _present(console, password)
    except Failure as failure:
        console.print(f"[red]✗[/] {failure}")
        return 1
    except KeyboardInterrupt:
        console.print("\nStopped: the service, its PostgreSQL and its folder are gone.")
        return 0
    if options.svg is not None:
        picture = console.export_svg(title="make demo CHECK=1")
        # Without the fonts that would be fetched from the network: any monospaced one will do.
        picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
        options.svg.write_text(picture, encoding="utf-8")
    return 0


def _present(console: Console, password: str) -> None:
    with running(dict(os.environ), port=8000, captured=False) as service:
        jar = "/tmp/acme-bookings.cookies"  # noqa: S108
        body = "-H 'Content-Type: application/json'"
        console.print(
            Panel(
                f"[bold]{service.url}[/]          (its API: {service.url}/openapi.json)\n"
                f"log in as [bold]{EMAIL}[/] with [bold]{password}[/]",
                title="acme-bookings",
                expand=False,
            )
        )
        console.print("Three commands to try, from another terminal:\n")
        account = json.dumps({"email": EMAIL, "password": password})
        for path, cookies, sent in (
            ("/auth/log-in", f"-c {jar} ", account),
            ("/events", f"-b {jar} ", json.dumps(concert())),
            ("/bookings", "", ""),
        ):
            data = f" {body} -d '{sent}'" if sent else ""
            line = f"  curl -i {cookies}{service.url}{path}{data}\n"
            console.print(line, markup=False, soft_wrap=True)
        console.print("Ctrl-C stops everything.\n")
        service.wait()
        raise Failure("the service stopped by itself")


def _check(console: Console, password: str) -> None:
    with receiving() as receiver:
        environment = os.environ | {
            "LOG_FORMAT": "json",
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "TRACE_SAMPLE_RATIO": "1",
        }
        with running(environment, port=0, captured=True) as service:
            _done(console, f"Serving on {service.url}")
            walk = Walk(service, (EMAIL, password))
            table = Table(
                "request",
                "status",
                "outcome",
                title="A walk over HTTP",
                title_justify="left",
                box=SIMPLE_HEAD,
            )
            for step in walk.steps():
                table.add_row(step.what, str(step.status), step.outcome)
            console.print(table)
            _show_one_request(console, walk, receiver)
            _done(console, f"Encrypted a backup: {_after(': ', command('backup', 'create'))}")
            _done(
                console,
                f"Restored it elsewhere: {_after('restores. ', command('backup', 'drill'))}",
            )
    _done(console, "Stopped, all of it")


def _after(mark: str, said: str) -> str:
    """The end of the one line of a report that has the mark; lines of the log are no report."""
    lines = [line for line in said.splitlines() if mark in line and not line.startswith("{")]
    return lines[-1].partition(mark)[2] if lines else ""


def _show_one_request(console: Console, walk: Walk, receiver: Receiver) -> None:
    line = walk.log_line()
    console.print("[bold]The booking's log line[/]")
    console.print_json(data=line)
    spans = receiver.trace(line["trace_id"])
    if not spans:
        raise Failure(f"no trace {line['trace_id']} arrived, though the log line names it")
    tree = Tree(f"[bold]The trace {line['trace_id']}[/]")
    branches = [tree]
    for depth, span in spans:
        branches[depth + 1 :] = [
            branches[depth].add(f"{span.name}  [dim]{span.milliseconds:.1f} ms[/]")
        ]
    console.print(tree)


def _done(console: Console, what: str) -> None:
    console.print(f"[green]✓[/] {what}", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
