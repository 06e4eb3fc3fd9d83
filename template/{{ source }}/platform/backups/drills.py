"""The proof that a backup is one: restore it, compare it, and run the service on it."""

import asyncio
from collections.abc import Sequence

import httpx2

from .. import migrations
from ..database_url import with_name
from ..health import READY
from ..service import Service
from ..settings import PlatformSettings
from . import restoring
from .catalogue import Entry
from .contents import connect
from .databases import scratch_database
from .errors import SmokeTestError
from .keys import Identity
from .locks import only_one
from .manifest import DatabaseFacts, Manifest
from .stores import Store


def drill(
    service: Service, store: Store, entry: Entry, identities: Sequence[Identity]
) -> Manifest[DatabaseFacts]:
    """Restore into a scratch database, compare, migrate, run the smoke test, drop it.

    Raises:
        BackupError: what failed.
    """
    settings = service.platform.settings
    manifest = restoring.verify(store, entry, identities, Manifest[DatabaseFacts])
    server = settings.backup_scratch_url or settings.database_url
    with (
        connect(server) as connection,
        only_one(connection, "drill"),
        scratch_database(connection, manifest.facts.encoding) as name,
    ):
        url = with_name(server, name)
        restoring.fill(store, manifest, identities, url, privileges=False)
        restoring.compare(manifest, url)
        scratch = _settings_for(settings, url)
        # A backup may be older than the code: what a restore would need is tried as well.
        migrations.upgrade(scratch)
        asyncio.run(_smoke(Service(scratch, service.features, service.roles)))
    return manifest


def _settings_for(settings: PlatformSettings, url: str) -> PlatformSettings:
    """The service as it is, but on the copy, and without effect on the world outside.

    Jobs that wait in the copy must not run: their mail was sent, or will be, by the real service.
    """
    return settings.model_copy(
        update={
            "database_url": url,
            "embedded_worker": False,
            "otlp_endpoint": None,
            "database_pool_size": 2,
        }
    )


async def _smoke(service: Service) -> None:
    """Readiness, which asks database and migrations, and then the test that the user gave."""
    settings = service.platform.settings
    transport = httpx2.ASGITransport(app=service.app)
    address = f"https://{settings.allowed_hosts[0].replace('*', 'drill')}"
    async with (
        service.running(),
        httpx2.AsyncClient(transport=transport, base_url=address) as client,
    ):
        answer = await client.get(READY)
        if answer.status_code != httpx2.codes.OK:
            raise SmokeTestError(
                f"The service is not ready on the restored database: {READY} answers "
                f"{answer.status_code} {answer.text}"
            )
        if settings.backup_smoke_test is None:
            return
        try:
            await settings.backup_smoke_test(client)
        except Exception as error:
            raise SmokeTestError(
                "BACKUP_SMOKE_TEST failed on the restored database: "
                f"{type(error).__name__}: {error}"
            ) from error
