"""What the prototype adds to the service: everything that the service does not answer yet."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.types import ASGIApp

from ..platform.context import Platform
from ..platform.health import ReadinessCheck
from ..platform.hosts import Hosts
from ..platform.service import Fallback, Feature
from .answering import Place
from .backups import datasets
from .breaker import Breaker
from .facade import Facade
from .gate import GateCheck, gate_commands, gate_of
from .mounts import Mount
from .pace import Pace
from .port import Adapter, Gatekeeper
from .routes import Routes
from .settings import LegacySettings
from .upstream import HttpUpstream


def prototype(platform: Platform) -> Fallback:
    return behind(platform, gate_of(_settings(platform), platform))


def behind(platform: Platform, gate: Gatekeeper) -> Fallback:
    """The prototype behind this service and this gate, as the settings say where it is."""
    settings = _settings(platform)
    adapters = _adapters(platform, settings)
    routes = Routes(adapters)
    hosts = Hosts(platform.settings.allowed_hosts)
    app: ASGIApp = Facade(
        routes=routes,
        gate=gate,
        pace=Pace(per_second=settings.prototype_rate, burst=settings.prototype_rate_burst),
        hosts=hosts,
        max_concurrency=settings.prototype_max_concurrency,
    )
    if settings.gate_check_path:
        app = GateCheck(app, gate=gate, hosts=hosts, path=settings.gate_check_path)

    @asynccontextmanager
    async def serving() -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for adapter in routes:
                await adapter.open()
                stack.push_async_callback(adapter.close)
            yield

    checks = {f"prototype{prefix}": _check(adapter) for prefix, adapter in adapters.items()}
    return Fallback(app, serving, checks, settings.prototype_keeps)


def _settings(platform: Platform) -> LegacySettings:
    settings = platform.settings
    assert isinstance(settings, LegacySettings), "Settings must inherit from LegacySettings"
    return settings


def _adapters(platform: Platform, settings: LegacySettings) -> dict[str, Adapter]:
    public = str(platform.settings.public_url)

    def upstream(url: str, prefix: str) -> HttpUpstream:
        breaker = Breaker(
            url,
            failures=settings.prototype_failures,
            recovery_seconds=settings.prototype_recovery_seconds,
        )
        return HttpUpstream(settings, Place(url, public, prefix), breaker)

    adapters: dict[str, Adapter] = {
        prefix: upstream(url, prefix) for prefix, url in settings.prototype_routes
    }
    if settings.prototype_app:
        adapters[""] = Mount(settings, Place(public, public))
    elif settings.prototype_url:
        adapters[""] = upstream(settings.prototype_url, "")
    return adapters


def _check(adapter: Adapter) -> ReadinessCheck:
    async def check(_: Platform) -> None:
        await adapter.check()

    return check


legacy = Feature(
    name="legacy",
    fallback=prototype,
    datasets=datasets,
    commands=gate_commands,
    # What front ends send to routes that were taken over; supabase-js names itself and its key.
    cors_headers=("Authorization", "apikey", "x-client-info", "x-supabase-api-version"),
)
