"""`users`: accounts from the command line, for administrators."""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from ..platform.problems import Problem
from ..platform.service import Service
from .administration import Administration, Refused
from .email_address import canonical

T = TypeVar("T")

users = typer.Typer(name="users", help="Create and manage accounts.", no_args_is_help=True)


def _address(value: str) -> str:
    try:
        return canonical(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


Email = Annotated[str, typer.Argument(parser=_address, metavar="EMAIL", show_default=False)]
OptionalEmail = Annotated[
    str | None, typer.Argument(parser=_address, metavar="EMAIL", show_default=False)
]
Role = Annotated[str, typer.Argument(metavar="ROLE", show_default=False)]


@users.command()
def create(
    context: typer.Context,
    email: Email,
    role: Annotated[list[str] | None, typer.Option(help="May be given more than once.")] = None,
) -> None:
    """Create an account. The password is asked for, or read from standard input."""
    roles = [_known_role(context, name) for name in role or []]
    password = _read_password()
    _administer(context, lambda accounts: accounts.create(email, password, roles))
    typer.echo(f"{email} can log in.")


@users.command()
def grant(context: typer.Context, email: Email, role: Role) -> None:
    """Give a user a role."""
    name = _known_role(context, role)
    _administer(context, lambda accounts: accounts.grant(email, name))
    typer.echo(f"{email} is {name}.")


@users.command("revoke-role")
def revoke_role(context: typer.Context, email: Email, role: Role) -> None:
    """Take a role from a user; it counts from their next request."""
    _administer(context, lambda accounts: accounts.revoke(email, role))
    typer.echo(f"{email} is no longer {role}.")


@users.command()
def disable(context: typer.Context, email: Email) -> None:
    """Lock an account and end its sessions."""
    _administer(context, lambda accounts: accounts.disable(email))
    typer.echo(f"{email} is disabled.")


@users.command()
def enable(context: typer.Context, email: Email) -> None:
    """Unlock an account."""
    _administer(context, lambda accounts: accounts.enable(email))
    typer.echo(f"{email} can log in again.")


@users.command("log-out")
def log_out(
    context: typer.Context,
    email: OptionalEmail = None,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody's, without EMAIL.")] = False,
) -> None:
    """End every session of a user, or of everybody."""
    if everybody == (email is not None):
        raise typer.BadParameter("Give an EMAIL, or --all.", param_hint="EMAIL")
    if email is None:
        ended = _administer(context, lambda accounts: accounts.log_out_everybody())
    else:
        ended = _administer(context, lambda accounts: accounts.log_out(email))
    typer.echo(f"{ended} sessions of {email or 'everybody'} ended.")


@users.command("list")
def list_users(context: typer.Context) -> None:
    """List the accounts."""
    for user in _administer(context, lambda accounts: accounts.list_users()):
        state = "disabled" if user.disabled_at else "active"
        roles = ",".join(user.roles) or "-"
        typer.echo(f"{user.email}  {state}  {roles}  {user.created_at:%Y-%m-%d}")


def _administer(context: typer.Context, work: Callable[[Administration], Awaitable[T]]) -> T:
    service: Service = context.obj

    async def run() -> T:
        async with service.running() as platform:
            return await work(Administration(platform))

    try:
        return asyncio.run(run())
    except (Refused, Problem) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def _known_role(context: typer.Context, role: str) -> str:
    service: Service = context.obj
    if role not in service.roles:
        known = ", ".join(sorted(service.roles)) or "none"
        raise typer.BadParameter(f"there is no role {role!r}; there are: {known}")
    return role


def _read_password() -> str:
    """Never an argument: those are seen by every process and kept in the shell's history."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise typer.BadParameter("the two differ")
    return password
