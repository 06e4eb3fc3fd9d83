"""Composes features into one application."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import procrastinate
import typer
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from . import idempotency
from .access import AccessEntry, Authenticator, Router, UnstatedAccess, access_entries
from .backups.datasets import Datasets
from .clock import Clock, SystemClock
from .context import Platform
from .cross_origin import CrossOriginMiddleware
from .database import Database
from .description import insist
from .errors import UnexpectedErrorMiddleware, handle_errors
from .fallback import FallbackMiddleware, Owned
from .garbage import rare_collections
from .headers import SecurityHeadersMiddleware
from .health import PLATFORM_CHECKS, PROBES, ReadinessCheck, health_router
from .hosts import AllowedHostsMiddleware
from .jobs import Jobs
from .limits import BodyLimitMiddleware, LimitsMiddleware
from .logging import configure_logging
from .mail import Mailer, mailer_from
from .requests import RequestContextMiddleware
from .settings import PlatformSettings
from .telemetry import Inbound, Telemetry

Hook = Callable[[Platform], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fallback:
    """An application behind the service: it gets every request that no route answers.

    `serving` is entered while the service serves, `checks` tell whether it can be reached, and
    `leaves` are paths that are its own although the service has routes there.
    """

    app: ASGIApp
    serving: Callable[[], AbstractAsyncContextManager[None]]
    checks: Mapping[str, ReadinessCheck] = field(default_factory=dict)
    leaves: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Feature:
    """What a feature adds to the service; everything but the name is optional."""

    name: str
    routers: Sequence[Router] = ()
    permissions: frozenset[str] = frozenset()
    tasks: procrastinate.Blueprint | None = None
    commands: typer.Typer | None = None
    authenticator: Callable[[Platform, Mapping[str, frozenset[str]]], Authenticator] | None = None
    readiness: Mapping[str, ReadinessCheck] = field(default_factory=dict)
    fallback: Callable[[Platform], Fallback] | None = None
    datasets: Datasets | None = None
    cors_headers: Sequence[str] = ()
    on_startup: Sequence[Hook] = ()
    on_shutdown: Sequence[Hook] = ()


def _cors(trusted: Sequence[str], headers: Iterable[str]) -> Middleware:
    return Middleware(
        CORSMiddleware,
        allow_origins=trusted,
        allow_credentials=True,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", *headers],
        expose_headers=["ETag", "Location", "Retry-After", "X-Request-ID"],
    )


def _falling_back(fallback: Fallback, owned: Owned) -> Middleware:
    return Middleware(FallbackMiddleware, fallback=fallback.app, owned=owned)


class _Application(FastAPI):
    """Leaves what is not recorded out of FastAPI's own telemetry, which is not cheap to ask.

    What the fallback gets of it passes FastAPI by: a request's context is all that it needs.
    """

    def __init__(
        self,
        inbound: Inbound,
        owned: Owned,
        in_context: Callable[[], ASGIApp] | None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._inbound = inbound
        self._owned = owned
        self._in_context = in_context

    def openapi(self) -> dict[str, Any]:
        return self.openapi_schema or insist(super().openapi())

    @cached_property
    def _short_way(self) -> ASGIApp | None:
        """Made with the first request, as the middlewares are."""
        return self._in_context() if self._in_context else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
            return
        unrecorded = self._inbound.is_unrecorded(scope)
        if self._short_way is not None and not self._owned.answers(scope):
            scope["app"] = self
            scope["fastapi.telemetry"] = None
            if unrecorded:
                await self._short_way(scope, receive, send)
            else:
                await self._inbound.record(self._short_way, scope, receive, send)
            return
        if unrecorded:
            scope["fastapi.telemetry"] = None
        await super().__call__(scope, receive, send)


class Service:
    """A platform with features on it.

    `roles` names the permissions that each role grants. `clock` and `mailer` are seams for tests.

    Raises:
        UnstatedAccess: a route does not say who may call it, or two features want to
            authenticate.
    """

    def __init__(
        self,
        settings: PlatformSettings,
        features: Sequence[Feature],
        roles: Mapping[str, frozenset[str]],
        *,
        clock: Clock | None = None,
        mailer: Mailer | None = None,
    ) -> None:
        configure_logging(settings)
        telemetry = Telemetry(settings, untraced_paths=PROBES)
        self.features = tuple(features)
        self.roles = dict(roles)
        self.platform = Platform(
            settings=settings,
            database=Database(settings),
            jobs=Jobs(
                settings,
                [idempotency.tasks, *(feature.tasks for feature in features if feature.tasks)],
            ),
            mailer=mailer or mailer_from(settings),
            clock=clock or SystemClock(),
            telemetry=telemetry,
        )
        self.fallback = self._fallback()
        self._health = health_router(
            dict(PLATFORM_CHECKS)
            | {name: check for feature in features for name, check in feature.readiness.items()},
            self.fallback.checks if self.fallback else {},
        )
        self._stated = self._stated_access()
        self.app = self._application()
        self._composed = tuple(self.app.routes)

    def _routers(self) -> list[tuple[str, Router]]:
        return [
            ("platform", self._health),
            *((feature.name, router) for feature in self.features for router in feature.routers),
        ]

    @property
    def access_table(self) -> list[AccessEntry]:
        """Who may call what.

        Raises:
            UnstatedAccess: something was added to `app` itself that does not state it.
        """
        return [*self._stated, *self._added_access()]

    def refuse_unstated_access(self) -> None:
        """Ask again before anything is served: `app` is open to whoever composes it.

        Raises:
            UnstatedAccess: something was added to `app` itself that does not state it.
        """
        self._added_access()

    def _added_access(self) -> list[AccessEntry]:
        composed = set(map(id, self._composed))
        added = [route for route in self.app.routes if id(route) not in composed]
        return list(access_entries("app", added, self._permissions))

    @property
    def _permissions(self) -> frozenset[str]:
        return frozenset[str]().union(*(feature.permissions for feature in self.features))

    def _stated_access(self) -> list[AccessEntry]:
        permissions = self._permissions
        for role, granted in self.roles.items():
            if unknown := granted - permissions:
                raise UnstatedAccess(
                    f"Role {role!r} grants {', '.join(sorted(unknown))}, "
                    "which no feature declares as a permission."
                )
        return [
            entry
            for name, router in self._routers()
            for entry in access_entries(name, router.routes, permissions)
        ]

    def _authenticator(self) -> Authenticator:
        offered = [feature.authenticator for feature in self.features if feature.authenticator]
        if len(offered) != 1:
            raise UnstatedAccess(
                f"Exactly one feature must authenticate; {len(offered)} do. "
                "Keep `auth` in the list of features."
            )
        return offered[0](self.platform, self.roles)

    def _fallback(self) -> Fallback | None:
        offered = [feature.fallback for feature in self.features if feature.fallback]
        if len(offered) > 1:
            raise UnstatedAccess(f"One feature may bring a fallback; {len(offered)} do.")
        return offered[0](self.platform) if offered else None

    def _application(self) -> FastAPI:
        settings = self.platform.settings
        behind = self.fallback
        owned = self._owned()
        app = _Application(
            self.platform.telemetry.inbound,
            owned,
            partial(RequestContextMiddleware, behind.app, **self._context()) if behind else None,
            title=settings.service_name,
            version=settings.service_version,
            lifespan=self._lifespan,
            openapi_url=None if settings.is_production else "/openapi.json",
            docs_url=None,
            redoc_url=None,
            telemetry=self.platform.telemetry.fastapi_options(),
            middleware=self._middleware(owned),
            # One flat list: FastAPI searches an included router twice for every request.
            routes=[route for _, router in self._routers() for route in router.routes],
        )
        handle_errors(app)
        app.state.platform = self.platform
        app.state.authenticator = self._authenticator()
        return app

    def _context(self) -> dict[str, Any]:
        return {
            "telemetry": self.platform.telemetry,
            "trusted_proxy_hops": self.platform.settings.trusted_proxy_hops,
            "quiet_paths": PROBES,
        }

    def _middleware(self, owned: Owned) -> list[Middleware]:
        """From the outermost in: what names a request comes before what may refuse it."""
        settings = self.platform.settings
        trusted = list(settings.cors_origins)
        headers = [header for feature in self.features for header in feature.cors_headers]
        fallback = self.fallback
        return [
            Middleware(RequestContextMiddleware, **self._context()),
            *([_falling_back(fallback, owned)] if fallback else []),
            Middleware(SecurityHeadersMiddleware, https=settings.public_url.scheme == "https"),
            Middleware(UnexpectedErrorMiddleware),
            Middleware(
                LimitsMiddleware,
                max_concurrency=settings.max_concurrency,
                timeout=settings.request_timeout,
                unlimited=PROBES,
            ),
            Middleware(AllowedHostsMiddleware, allowed_hosts=settings.allowed_hosts),
            *([_cors(trusted, headers)] if trusted else []),
            Middleware(CrossOriginMiddleware, trusted_origins=trusted),
            Middleware(BodyLimitMiddleware, max_bytes=settings.max_body_bytes),
        ]

    def _owned(self) -> Owned:
        routes = [route for _, router in self._routers() for route in router.routes]
        left = self.fallback.leaves if self.fallback else ()
        return Owned((route for route in routes if isinstance(route, APIRoute)), left)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Platform]:
        """The platform with its pools open and every start-up hook run."""
        platform = self.platform
        async with AsyncExitStack() as stack:
            stack.callback(platform.telemetry.shutdown)
            stack.push_async_callback(platform.database.close)
            platform.telemetry.instrument_database(platform.database)
            await platform.database.open()
            await stack.enter_async_context(platform.jobs.opened(platform))
            for feature in self.features:
                for hook in feature.on_startup:
                    await hook(platform)
                for hook in feature.on_shutdown:
                    stack.push_async_callback(hook, platform)
            yield platform

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        self.refuse_unstated_access()
        async with self.running() as platform, AsyncExitStack() as stack:
            if platform.settings.embedded_worker:
                await stack.enter_async_context(platform.jobs.working())
            if self.fallback:
                await stack.enter_async_context(self.fallback.serving())
            stack.enter_context(rare_collections())
            yield
