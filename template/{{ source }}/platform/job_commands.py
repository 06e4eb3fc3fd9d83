"""`jobs`: what failed for good, and another try for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Annotated

import typer
from procrastinate.jobs import Job

from .jobs import Jobs
from .service import Service

job_commands = typer.Typer(help="See which jobs failed, and try them again.", no_args_is_help=True)


class NotFailed(LookupError):
    """No failed job has these numbers."""


@job_commands.command("list")
def list_failed(context: typer.Context) -> None:
    """List the jobs that failed for good; they are kept for a week."""
    failed = asyncio.run(_failed(context.obj))
    for job in failed:
        due = job.scheduled_at.astimezone(UTC) if job.scheduled_at else None
        last = f"{due:%Y-%m-%d %H:%M} UTC" if due else "-"
        typer.echo(f"{job.id}  {job.task_name}  tries: {job.attempts}  last due: {last}")
    if not failed:
        typer.echo("No job has failed.", err=True)


@job_commands.command()
def retry(
    context: typer.Context,
    ids: Annotated[
        list[int] | None, typer.Argument(metavar="ID", help="As `jobs list` shows them.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All that failed, without ID.")] = False,
) -> None:
    """Let the workers try once more what failed."""
    if every == bool(ids):
        raise typer.BadParameter("Give the IDs of jobs, or --all.", param_hint="ID")
    try:
        waiting = asyncio.run(_retry(context.obj, ids))
    except NotFailed as error:
        typer.echo(f"No failed job has the number {error}; `jobs list` shows them.", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"Waiting to be tried again: {waiting}.")


async def _failed(service: Service) -> list[Job]:
    async with _jobs_of(service) as jobs:
        return await jobs.failed()


async def _retry(service: Service, ids: list[int] | None) -> int:
    """How many are tried again: those with these numbers, or all; all of them or none."""
    async with _jobs_of(service) as jobs:
        failed = {job.id: job for job in await jobs.failed()}
        if unknown := set(ids or ()) - failed.keys():
            raise NotFailed(", ".join(map(str, sorted(unknown))))
        chosen = failed.keys() if ids is None else set(ids)
        await jobs.retry(failed[number] for number in chosen)
        return len(chosen)


@asynccontextmanager
async def _jobs_of(service: Service) -> AsyncIterator[Jobs]:
    async with service.running() as platform:
        # The queue's own pool would try for half a minute before it says that nobody answers.
        async with platform.database.transaction() as connection:
            await connection.exec_driver_sql("SELECT 1")
        yield platform.jobs
