"""The commands every service has: serve, worker, jobs, migrate, access, openapi, backup."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from typing import Annotated

import psycopg
import typer
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError

from . import migrations
from .access import UnstatedAccess
from .access_lock import ACCESS_LOCK, changes, render
from .backups.commands import backup_commands
from .job_commands import job_commands
from .server import AddressInUse, serve
from .service import Service

CreateService = Callable[[], Service]

platform_commands = typer.Typer()

# These connect to nothing, and where they run there may be no database to name.
_OFFLINE = frozenset({"access", "openapi", "keygen", "gate", "--help"})


def run(create_service: CreateService) -> None:
    """Run the command named on the command line; a fault in the settings ends it readably."""
    if len(sys.argv) == 1 or _OFFLINE.intersection(sys.argv):
        os.environ.setdefault("DATABASE_URL", "postgresql://unset/unset")
    try:
        commands_of(create_service)()
    except ValidationError as error:
        _stop(_describe(error))
    except (UnstatedAccess, AddressInUse, migrations.MigrationBlocked) as error:
        _stop(str(error))
    except (OperationalError, psycopg.OperationalError) as error:
        cause = str(getattr(error, "orig", error)).strip().splitlines()[0]
        _stop(f"The database does not answer: {cause}. Is it running, and is DATABASE_URL right?")


def commands_of(create_service: CreateService) -> typer.Typer:
    """The platform's commands with those of the features; each finds the service in its context."""
    service = create_service()
    service.refuse_unstated_access()
    commands = typer.Typer(
        name=service.platform.settings.service_name,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"obj": service},
    )
    commands.add_typer(platform_commands)
    commands.add_typer(backup_commands, name="backup")
    commands.add_typer(job_commands, name="jobs")
    for feature in service.features:
        if feature.commands is not None:
            commands.add_typer(feature.commands)
    return commands


@platform_commands.command("serve")
def serve_http(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Listen here.  [default: HOST]")] = None,
    port: Annotated[int | None, typer.Option(help="0 picks a free one.  [default: PORT]")] = None,
    reload: Annotated[bool, typer.Option(help="Restart when the source changes.")] = False,
) -> None:
    """Serve HTTP."""
    service: Service = context.obj
    settings = service.platform.settings
    serve(
        service,
        host=settings.host if host is None else host,
        port=settings.port if port is None else port,
        reload=reload,
    )


@platform_commands.command()
def worker(context: typer.Context) -> None:
    """Run the jobs."""
    service: Service = context.obj

    async def work() -> None:
        async with service.running() as platform:
            await platform.jobs.run_worker()

    asyncio.run(work())


@platform_commands.command()
def migrate(context: typer.Context) -> None:
    """Bring the database to the newest migration; safe from several replicas at once."""
    service: Service = context.obj
    migrations.upgrade(service.platform.settings)


@platform_commands.command()
def access(
    context: typer.Context,
    write: Annotated[bool, typer.Option(help="Rewrite the file.")] = False,
    check: Annotated[bool, typer.Option(help="Fail when it is not up to date.")] = False,
) -> None:
    """Print who may call which route, or keep it in access.lock."""
    service: Service = context.obj
    table = render(service.access_table)
    if write:
        ACCESS_LOCK.write_text(table, encoding="utf-8")
    elif not check:
        typer.echo(table, nl=False)
    elif differences := changes(ACCESS_LOCK, table):
        _stop(
            f"{ACCESS_LOCK} does not say what the routes say:\n{differences}\n"
            "Read the difference, then run `make access-lock` and commit the file."
        )


@platform_commands.command()
def openapi(context: typer.Context) -> None:
    """Print the OpenAPI description."""
    service: Service = context.obj
    typer.echo(json.dumps(service.app.openapi(), indent=2, sort_keys=True))


def _describe(error: ValidationError) -> str:
    faults = []
    for fault in error.errors(include_url=False, include_input=False):
        name = "_".join(str(part) for part in fault["loc"]).upper()
        message = fault["msg"].removeprefix("Value error, ")
        faults.append(f"  {name}: {message}" if name else f"  {message}")
    return (
        "The settings don't hold, so nothing was started:\n"
        + "\n".join(faults)
        + "\nSet them as environment variables, or in .env beside pyproject.toml."
    )


def _stop(message: str) -> None:
    typer.echo(message, err=True)
    raise SystemExit(1)
