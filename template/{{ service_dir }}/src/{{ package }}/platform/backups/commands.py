"""`backup create | list | verify | restore | drill | prune | keygen`.

Each ends with status 0, or with one of those that errors.py lists and a line that says why.
"""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import structlog
import typer
from sqlalchemy.exc import ArgumentError

from ..service import Service
from ..settings import PlatformSettings
from . import restoring, taking
from .catalogue import Entry, entries, find
from .contents import connect
from .databases import database_name, with_name
from .drills import drill as run_drill
from .errors import BackupError, NotReadyError, StoreError
from .keys import (
    DEVELOPMENT_IDENTITY,
    Identity,
    Recipient,
    development_recipient,
    generate_identity,
    parse_recipients,
    read_identities,
)
from .locks import only_one
from .outcomes import recorded
from .retention import Retention
from .stores import Store, open_store

_log = structlog.get_logger(__name__)

Name = Annotated[str | None, typer.Argument(help="As `list` shows it; without one, the newest.")]
IdentityFile = Annotated[
    Path | None,
    typer.Option("--identity", help="The private key's file. [default: BACKUP_IDENTITY_FILE]"),
]

backup_commands = typer.Typer(
    help="Take backups, and prove that they restore.", no_args_is_help=True
)


@dataclass(frozen=True, slots=True)
class _Workplace:
    """What the commands work with, and the defaults that development gets."""

    service: Service

    @classmethod
    def of(cls, context: typer.Context) -> "_Workplace":
        service = context.obj
        assert isinstance(service, Service)
        return cls(service)

    @property
    def settings(self) -> PlatformSettings:
        return self.service.platform.settings

    @property
    def store(self) -> Store:
        settings = self.settings
        default = PlatformSettings.model_fields["backup_store"].default
        if settings.is_production and settings.backup_store == default:
            raise NotReadyError("BACKUP_STORE is not set. Backups belong on another machine.")
        return open_store(settings.backup_store, settings.service_name)

    @property
    def recipients(self) -> list[Recipient]:
        texts = self.settings.backup_recipients
        if not texts and self.settings.environment == "development":
            texts = (development_recipient(),)
        recipients = parse_recipients(texts)
        if len(recipients) == 1 and self.settings.is_production:
            _log.warning("backup_has_one_recipient", risk="lose that one key, lose every backup")
        return recipients

    @property
    def retention(self) -> Retention:
        settings = self.settings
        return Retention(
            settings.backup_keep_daily, settings.backup_keep_weekly, settings.backup_keep_monthly
        )

    def identities(self, file: Path | None) -> list[Identity]:
        file = self._identity_file(file)
        if file is None:
            raise NotReadyError(
                "Reading a backup needs a private key. Name its file with --identity or "
                "BACKUP_IDENTITY_FILE."
            )
        location = Path(self.store.location).resolve().parent
        if file.resolve().is_relative_to(location):
            raise NotReadyError(
                f"{file} lies in {location}, beside the backups that it opens: whoever takes one "
                "takes both. Move the key elsewhere, and make a new one if it ever left."
            )
        return read_identities(file)

    def optional_identities(self, file: Path | None) -> list[Identity] | None:
        return self.identities(file) if self._identity_file(file) else None

    def keep_receipt(self, entry: Entry, how: str) -> None:
        """Note in the store that the backup is good, if this place may write there."""
        try:
            restoring.keep_receipt(self.store, entry, how, self.service.platform.clock.now())
        except StoreError as error:
            _log.warning("backup_receipt_not_kept", backup=entry.name, reason=str(error))

    def _identity_file(self, file: Path | None) -> Path | None:
        file = file or self.settings.backup_identity_file
        if file is None and self.settings.environment == "development":
            return DEVELOPMENT_IDENTITY if DEVELOPMENT_IDENTITY.exists() else None
        return file


@backup_commands.command()
def create(
    context: typer.Context,
    prune: Annotated[bool, typer.Option(help="Then delete what retention does not keep.")] = True,
) -> None:
    """Dump, encrypt and store the database, with a manifest."""
    with _reporting():
        place = _Workplace.of(context)
        store, settings, now = place.store, place.settings, place.service.platform.clock.now()
        with recorded(place.service.platform.telemetry, "create") as outcome:
            taken = taking.create(
                store, settings.database_url, place.recipients, settings.service_name, now
            )
            facts, size = taken.manifest.facts, taken.manifest.object.size
            outcome.facts.update(
                backup=taken.name, tables=len(facts.tables), rows=facts.rows, bytes=size
            )
            outcome.measures["size"] = (size, "By")
        typer.echo(
            f"{taken.name}: {len(facts.tables)} tables, {facts.rows} rows, {size} bytes "
            f"in {store.location}"
        )
        if prune:
            _prune_after(place, store)


@backup_commands.command("list")
def list_(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the backups, the newest first."""
    with _reporting():
        place = _Workplace.of(context)
        found = entries(place.store)
        if as_json:
            typer.echo(json.dumps([asdict(entry) for entry in found], default=str, indent=2))
            return
        reasons = place.retention.reasons(found, place.service.platform.clock.now())
        for entry in found:
            state = "verified" if entry.verified else "complete"
            kept = ", ".join(reasons[entry.name]) or "nothing: the next clean-up deletes it"
            typer.echo(
                f"{entry.name}  {entry.size:>14,}  {state if entry.complete else 'INCOMPLETE':<10}"
                f"  kept as: {kept}"
            )
        if not found:
            typer.echo(f"No backups in {place.store.location}.")


@backup_commands.command()
def verify(context: typer.Context, name: Name = None, identity: IdentityFile = None) -> None:
    """Check manifest, size and hash; with a private key also that the dump can be read."""
    with _reporting():
        place = _Workplace.of(context)
        entry = find(place.store, name)
        identities = place.optional_identities(identity)
        manifest = restoring.verify(place.store, entry, identities)
        if identities is None:
            typer.echo(f"{entry.name}: stored as written; not decrypted, for want of a private key")
            return
        place.keep_receipt(entry, "verify")
        typer.echo(f"{entry.name}: whole, decrypts, readable ({len(manifest.facts.tables)} tables)")


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
    identity: IdentityFile = None,
    privileges: Annotated[
        bool, typer.Option(help="Restore GRANTs too; the roles must exist.")
    ] = True,
) -> None:
    """Restore into an empty or new database, and compare it with the manifest."""
    with _reporting():
        place = _Workplace.of(context)
        entry = find(place.store, name)
        url = _target(place.settings.database_url, into)
        manifest = restoring.restore(
            place.store, entry, place.identities(identity), url, privileges=privileges
        )
        place.keep_receipt(entry, "restore")
        facts = manifest.facts
        _log.info("backup_restore", backup=entry.name, into=database_name(url), rows=facts.rows)
        typer.echo(
            f"{entry.name}: restored into {database_name(url)}; all {len(facts.tables)} tables "
            f"and {facts.rows} rows are as they were at {facts.created_at:%Y-%m-%d %H:%M:%S} UTC"
        )


@backup_commands.command()
def drill(context: typer.Context, name: Name = None, identity: IdentityFile = None) -> None:
    """Restore into a scratch database, compare, run the service on it, drop it again."""
    with _reporting():
        place = _Workplace.of(context)
        platform = place.service.platform
        with recorded(platform.telemetry, "drill") as outcome:
            entry = find(place.store, name)
            age = (platform.clock.now() - entry.created_at).total_seconds()
            outcome.facts.update(backup=entry.name, age=age)
            outcome.measures["age"] = (age, "s")
            manifest = run_drill(place.service, place.store, entry, place.identities(identity))
            tables, rows = len(manifest.facts.tables), manifest.facts.rows
            outcome.facts.update(tables=tables, rows=rows)
        place.keep_receipt(entry, "drill")
        typer.echo(
            f"{entry.name}: restores. {tables} tables and {rows} rows are as recorded, and the "
            "service is ready on them"
        )


@backup_commands.command()
def prune(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option(help="Say what would go, and keep it.")] = False,
) -> None:
    """Delete what retention does not keep."""
    with _reporting():
        place = _Workplace.of(context)
        now = place.service.platform.clock.now()
        with connect(place.settings.database_url) as connection, only_one(connection, "backup"):
            gone = taking.prune(place.store, place.retention, now, dry_run=dry_run)
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


def _prune_after(place: _Workplace, store: Store) -> None:
    """The backup is good, whether or not old ones may be deleted with this key."""
    try:
        now = place.service.platform.clock.now()
        for entry in taking.prune(store, place.retention, now, dry_run=False):
            typer.echo(f"{entry.name}: deleted, retention does not keep it")
    except StoreError as error:
        _log.warning("backup_prune_failed", reason=str(error))


def _target(database_url: str, into: str | None) -> str:
    if into is None:
        return database_url
    if "://" not in into:
        return with_name(database_url, into)
    try:
        name = database_name(into)
    except ArgumentError:
        name = ""
    if not name:
        raise NotReadyError("--into takes a database's name, or postgresql://user@host:5432/name.")
    return into


@contextmanager
def _reporting() -> Iterator[None]:
    """Turn an error into its line and status, and a polite kill into one that cleans up."""
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    except BackupError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(error.exit_status) from error
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(signum: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signum)
