"""`gate`: the table, what of it is stale, and what report-only would have refused."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ...platform.service import Service
from .file import read_gate
from .refusals import summed_up, told
from .settings import GateSettings
from .stale import parted, seen_routes, taken_over
from .table import GateTable

gate_commands = typer.Typer(
    name="gate", help="Who may call which route of the prototype.", invoke_without_command=True
)


@gate_commands.callback()
def gate(
    context: typer.Context,
    check: Annotated[bool, typer.Option(help="Fail when the table is stale.")] = False,
    routes: Annotated[
        Path | None,
        typer.Option(help="What `python -m guardrails.gate_routes` printed; - reads it here."),
    ] = None,
) -> None:
    """Print the table; or check it against the routes of the service and of the prototype."""
    if context.invoked_subcommand is not None:
        return
    service: Service = context.obj
    settings = service.platform.settings
    assert isinstance(settings, GateSettings)
    table = read_gate(settings.gate_file)
    if not check:
        _print(table)
        return
    stale = list(taken_over(table, service.access_table))
    if routes is not None:
        try:
            stale += parted(table, seen_routes(_text(routes)))
        except (OSError, ValueError) as error:
            # What was not looked at is no pass.
            typer.echo(f"The routes of the prototype can't be read: {error}", err=True)
            raise SystemExit(2) from error
    if stale:
        typer.echo(f"{settings.gate_file} is stale:", err=True)
        for fault in stale:
            typer.echo(f"  {fault}", err=True)
        raise SystemExit(1)


@gate_commands.command()
def refusals(
    log: Annotated[
        Path, typer.Argument(help="A JSON log; - reads standard input.", show_default=False)
    ] = Path("-"),
) -> None:
    """Sum up what was refused, or would have been, so that you know when to enforce."""
    if str(log) == "-":
        summary = summed_up(sys.stdin)
    else:
        with log.open(encoding="utf-8", errors="replace") as lines:
            summary = summed_up(lines)
    for line in told(summary):
        typer.echo(line)


def _print(table: GateTable) -> None:
    width = max((len(str(line)) for line in table.lines), default=0)
    for line in table.lines:
        typer.echo(f"{line!s:<{width}}  {line.access}")


def _text(path: Path) -> str:
    return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
