"""The commands every service has: serve, worker, migrate, access, openapi, backup."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from pydantic import ValidationError

from . import migrations
from .access import UnstatedAccess
from .access_lock import ACCESS_LOCK, changes, render
from .backups.commands import backup_commands
from .service import Service
from .settings import PlatformSettings

CreateService = Callable[[], Service]


def run(create_service: CreateService) -> None:
    """Run the command named on the command line; a fault in the settings ends it readably."""
    try:
        commands_of(create_service)()
    except ValidationError as error:
        _stop(_describe(error))
    except UnstatedAccess as error:
        _stop(str(error))


def commands_of(create_service: CreateService) -> typer.Typer:
    service = create_service()
    settings = service.platform.settings
    commands = typer.Typer(
        name=settings.service_name, no_args_is_help=True, pretty_exceptions_enable=False
    )

    @commands.command()
    def serve(
        host: Annotated[str, typer.Option(help="Address to listen on.")] = settings.host,
        port: Annotated[int, typer.Option(help="0 picks a free one.")] = settings.port,
        reload: Annotated[bool, typer.Option(help="Restart when the source changes.")] = False,
    ) -> None:
        """Serve HTTP."""
        _refuse_occupied(host, port)
        factory = f"{create_service.__module__}:create_app"
        uvicorn.run(
            factory if reload else service.app,
            factory=reload,
            host=host,
            port=port,
            reload=reload,
            reload_dirs=[str(Path(sys.modules[create_service.__module__].__file__ or ".").parent)]
            if reload
            else None,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="websockets-sansio",
            timeout_keep_alive=75,
            timeout_graceful_shutdown=int(settings.shutdown_grace),
        )

    @commands.command()
    def worker() -> None:
        """Run the jobs."""
        asyncio.run(_work(service))

    @commands.command()
    def migrate() -> None:
        """Bring the database to the newest migration; safe from several replicas at once."""
        migrations.upgrade(settings)

    @commands.command()
    def access(
        write: Annotated[bool, typer.Option(help="Rewrite the file.")] = False,
        check: Annotated[bool, typer.Option(help="Fail when it is not up to date.")] = False,
    ) -> None:
        """Print who may call which route, or keep it in access.lock."""
        table = render(service.access_table)
        if write:
            ACCESS_LOCK.write_text(table, encoding="utf-8")
        elif check:
            if differences := changes(ACCESS_LOCK, table):
                _stop(
                    f"{ACCESS_LOCK} does not say what the routes say:\n{differences}\n"
                    "Read the difference, then run `make access-lock` and commit the file."
                )
        else:
            typer.echo(table, nl=False)

    @commands.command()
    def openapi() -> None:
        """Print the OpenAPI description."""
        typer.echo(json.dumps(service.app.openapi(), indent=2, sort_keys=True))

    commands.add_typer(backup_commands, name="backup")
    for feature in service.features:
        if feature.commands is not None:
            commands.add_typer(feature.commands, name=feature.commands.info.name)
    commands.info.context_settings = {"obj": service}
    return commands


async def _work(service: Service) -> None:
    async with service.running() as platform:
        await platform.jobs.run_worker()


def _refuse_occupied(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            _stop(
                f"Can't listen on {host}:{port}: {os.strerror(error.errno or 0)}. "
                "Stop what listens there, or name another with --port or PORT."
            )


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
