"""`backup create | list | verify | restore | drill | prune | keygen`.

Each ends with status 0, or with one of those that errors.py lists and a line that says why.
"""

import json
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import psycopg
import structlog
import typer

from . import taking
from .catalogue import entries
from .contents import connect
from .errors import BackupError, DatabaseFailedError, StoreError
from .keys import generate_identity
from .locks import only_one
from .outcomes import Outcome, recorded
from .stores import Store
from .workplace import Shelf, Workplace

_log = structlog.get_logger(__name__)

Name = Annotated[str | None, typer.Argument(help="As `list` shows it; without one, the newest.")]
Of = Annotated[
    str | None,
    typer.Option(help="Only this dataset, if the service has more than its database."),
]
IdentityFile = Annotated[
    Path | None,
    typer.Option("--identity", help="The private key's file. [default: BACKUP_IDENTITY_FILE]"),
]

backup_commands = typer.Typer(
    help="Take backups, and prove that they restore.", no_args_is_help=True
)


@backup_commands.command()
def create(
    context: typer.Context,
    of: Of = None,
    prune: Annotated[bool, typer.Option(help="Then delete what retention does not keep.")] = True,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Also where the backup before had data.")
    ] = False,
) -> None:
    """Dump, encrypt and store the data, with a manifest."""
    with _reporting():
        place = Workplace.of(context)
        shelves = place.shelves(of)
        with recorded(
            place.service.platform.telemetry, "create", of_everything=of is None
        ) as outcome:

            def take(shelf: Shelf, part: Outcome) -> None:
                _create(place, shelf, part, allow_empty=allow_empty)
                if prune:
                    _prune_after(place, shelf.store)

            _with_each(shelves, outcome, take)


def _create(place: Workplace, shelf: Shelf, outcome: Outcome, *, allow_empty: bool) -> None:
    now = place.service.platform.clock.now()
    taken = shelf.dataset.create(shelf.store, place.recipients, place.settings.service_name, now)
    if not allow_empty:
        shelf.refuse_emptied(taken)
    counts, size = taken.manifest.facts.counts, taken.manifest.object.size
    outcome.facts.update(backup=taken.name, **counts, bytes=size)
    outcome.measure("size", size, "By")
    typer.echo(f"{taken.name}: {_told(counts, ', ')}, {size} bytes in {shelf.store.location}")


@backup_commands.command("list")
def list_(
    context: typer.Context,
    of: Of = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the backups, the newest first."""
    with _reporting():
        place = Workplace.of(context)
        shelves = place.shelves(of)
        if as_json:
            found = [
                {"dataset": shelf.name, **asdict(entry)}
                for shelf in shelves
                for entry in entries(shelf.store)
            ]
            typer.echo(json.dumps(found, default=str, indent=2))
            return
        for shelf in shelves:
            _list(place, shelf, heading=f"{shelf.name}:" if len(shelves) > 1 else None)


def _list(place: Workplace, shelf: Shelf, heading: str | None) -> None:
    found = entries(shelf.store)
    reasons = place.retention.reasons(found, place.service.platform.clock.now())
    if heading:
        typer.echo(heading)
    for entry in found:
        state = "verified" if entry.verified else "complete"
        kept = ", ".join(reasons[entry.name]) or "nothing: the next clean-up deletes it"
        typer.echo(
            f"{entry.name}  {entry.size:>14,}  {state if entry.complete else 'INCOMPLETE':<10}"
            f"  kept as: {kept}"
        )
    if not found:
        typer.echo(f"No backups in {shelf.store.location}.")


@backup_commands.command()
def verify(
    context: typer.Context, name: Name = None, of: Of = None, identity: IdentityFile = None
) -> None:
    """Check manifest, size and hash; with a private key also that the dump can be read."""
    with _reporting():
        place = Workplace.of(context)
        shelves = place.shelves(of) if name is None else [place.shelf_of(name, of)]
        identities = place.optional_identities(identity)

        def check(shelf: Shelf, _: Outcome) -> None:
            entry = place.find(shelf, name)
            facts = shelf.dataset.verify(shelf.store, entry, identities)
            if identities is None:
                typer.echo(
                    f"{entry.name}: stored as written; not decrypted, for want of a private key"
                )
                return
            place.keep_receipt(shelf, entry, "verify")
            typer.echo(f"{entry.name}: whole, decrypts, readable ({_told(facts.counts, ', ')})")

        _with_each(shelves, Outcome(), check)


@backup_commands.command()
def restore(
    context: typer.Context,
    name: Name = None,
    into: Annotated[
        str | None,
        typer.Option(
            help="A database to create on the configured server, or the URL of an empty one. "
            "[default: DATABASE_URL]"
        ),
    ] = None,
    of: Of = None,
    identity: IdentityFile = None,
    privileges: Annotated[
        bool, typer.Option(help="Restore GRANTs too; the roles must exist.")
    ] = True,
) -> None:
    """Restore to what is empty or new, and compare it with the manifest."""
    with _reporting():
        place = Workplace.of(context)
        shelf = place.shelf_of(name, of)
        entry = place.find(shelf, name)
        facts, where = shelf.dataset.restore(
            shelf.store, entry, place.identities(identity), into, privileges=privileges
        )
        place.keep_receipt(shelf, entry, "restore")
        _log.info("backup_restore", backup=entry.name, into=where, **facts.counts)
        typer.echo(
            f"{entry.name}: restored into {where}; all {_told(facts.counts, ' and ')} "
            f"are as they were at {facts.created_at:%Y-%m-%d %H:%M:%S} UTC"
        )


@backup_commands.command()
def drill(
    context: typer.Context, name: Name = None, of: Of = None, identity: IdentityFile = None
) -> None:
    """Restore to a scratch place, compare, run the service on its own, take it away again."""
    with _reporting():
        place = Workplace.of(context)
        shelves = place.shelves(of) if name is None else [place.shelf_of(name, of)]
        everything = name is None and of is None
        with recorded(
            place.service.platform.telemetry, "drill", of_everything=everything
        ) as outcome:
            _with_each(
                shelves, outcome, lambda shelf, part: _drill(place, shelf, part, name, identity)
            )


def _drill(
    place: Workplace, shelf: Shelf, outcome: Outcome, name: str | None, identity: Path | None
) -> None:
    entry = place.find(shelf, name)
    age = (place.service.platform.clock.now() - entry.created_at).total_seconds()
    outcome.facts.update(backup=entry.name, age=age)
    outcome.measure("age", age, "s")
    facts, proof = shelf.dataset.drill(shelf.store, entry, place.identities(identity))
    counts = facts.counts
    outcome.facts.update(counts)
    place.keep_receipt(shelf, entry, "drill")
    typer.echo(f"{entry.name}: restores. {_told(counts, ' and ')} are as recorded, {proof}")


@backup_commands.command()
def prune(
    context: typer.Context,
    of: Of = None,
    dry_run: Annotated[bool, typer.Option(help="Say what would go, and keep it.")] = False,
) -> None:
    """Delete what retention does not keep."""
    with _reporting():
        place = Workplace.of(context)
        now = place.service.platform.clock.now()
        with connect(place.settings.database_url) as connection, only_one(connection, "backup"):
            gone = [
                entry
                for shelf in place.shelves(of)
                for entry in taking.prune(shelf.store, place.retention, now, dry_run=dry_run)
            ]
        for entry in gone:
            typer.echo(f"{entry.name}: {'would be deleted' if dry_run else 'deleted'}")


@backup_commands.command()
def keygen(
    file: Annotated[Path, typer.Argument(help="Where to write the private key; must not exist.")],
) -> None:
    """Make a key pair: the private key goes into FILE, the public one is printed."""
    with _reporting():
        recipient = generate_identity(file)
        typer.echo(recipient)
        typer.echo(
            f"The private key is in {file}. Keep it, and a second one, away from the backups and "
            "from the servers that take them.",
            err=True,
        )


def _prune_after(place: Workplace, store: Store) -> None:
    """The backup is good, whether or not old ones may be deleted with this key."""
    try:
        now = place.service.platform.clock.now()
        for entry in taking.prune(store, place.retention, now, dry_run=False):
            typer.echo(f"{entry.name}: deleted, retention does not keep it")
    except StoreError as error:
        _log.warning("backup_prune_failed", reason=str(error))


def _with_each(
    shelves: Sequence[Shelf], outcome: Outcome, work: Callable[[Shelf, Outcome], None]
) -> None:
    """Work on every dataset, whatever happens to another; fail in the end if one did."""
    if len(shelves) == 1:
        with _explained():
            work(shelves[0], outcome)
        return
    failures: dict[str, BackupError] = {}
    for shelf in shelves:
        try:
            with _explained():
                work(shelf, outcome.part(shelf.name))
        except BackupError as error:
            failures[shelf.name] = error
    if failures:
        first = next(iter(failures.values()))
        raise type(first)(
            "; ".join(f"{name}: {error}" for name, error in failures.items())
        ) from first


def _told(counts: Mapping[str, int], between: str) -> str:
    return between.join(f"{count} {what}" for what, count in counts.items())


@contextmanager
def _explained() -> Iterator[None]:
    """Tell what a database says at any step: a lock that does not come, a connection that ends."""
    try:
        yield
    except psycopg.Error as error:
        said = " ".join(str(error).split())
        raise DatabaseFailedError(f"The database ended it: {said}") from error


@contextmanager
def _reporting() -> Iterator[None]:
    """Turn an error into its line and status, and a polite kill into one that cleans up."""
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        with _explained():
            yield
    except BackupError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(error.exit_status) from error
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(signum: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signum)
