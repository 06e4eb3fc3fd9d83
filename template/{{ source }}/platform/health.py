"""Liveness, readiness and start-up probes.

Liveness asks the process only: restarting it does not mend a database.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import structlog
from pydantic import BaseModel
from starlette.responses import JSONResponse
from starlette.status import HTTP_503_SERVICE_UNAVAILABLE

from .access import Router, public
from .context import CurrentPlatform, Platform
from .migrations import missing_heads

LIVE, READY, STARTUP = "/health/live", "/health/ready", "/health/startup"
PROBES = frozenset({LIVE, READY, STARTUP})

_CHECK_SECONDS = 2.0
_log = structlog.get_logger(__name__)

ReadinessCheck = Callable[[Platform], Awaitable[None]]


class Health(BaseModel):
    status: Literal["ok", "degraded", "unavailable"]
    checks: dict[str, Literal["ok", "failed"]] = {}


async def _database_answers(platform: Platform) -> None:
    async with platform.database.pool.connection() as connection:
        await connection.execute("SELECT 1")


async def _migrations_are_applied(platform: Platform) -> None:
    async with platform.database.reader() as connection:
        missing = await missing_heads(connection)
    if missing:
        raise RuntimeError(f"migrations missing: {', '.join(sorted(missing))}")


PLATFORM_CHECKS: Mapping[str, ReadinessCheck] = {
    "database": _database_answers,
    "migrations": _migrations_are_applied,
}


def health_router(
    checks: Mapping[str, ReadinessCheck], degrading: Mapping[str, ReadinessCheck]
) -> Router:
    """The probes; a check fails by raising, or by taking over two seconds.

    A failure of `degrading` ones is told, and the service stays ready: what it can do without
    them is better than nothing, and a restart would not mend them.
    """
    router = Router(tags=["health"])

    async def passes(name: str, check: ReadinessCheck, platform: Platform) -> bool:
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                await check(platform)
        except Exception as error:
            _log.warning("readiness_check_failed", check=name, error=type(error).__name__)
            return False
        return True

    async def answer(platform: Platform) -> JSONResponse:
        asked = {**degrading, **checks}
        outcomes = await asyncio.gather(
            *(passes(name, check, platform) for name, check in asked.items())
        )
        failed = {name for name, passed in zip(asked, outcomes, strict=True) if not passed}
        unavailable = not failed.isdisjoint(checks)
        health = Health(
            status="unavailable" if unavailable else "degraded" if failed else "ok",
            checks={name: "failed" if name in failed else "ok" for name in asked},
        )
        status = HTTP_503_SERVICE_UNAVAILABLE if unavailable else 200
        return JSONResponse(health.model_dump(), status)

    @router.get(LIVE)
    @public
    async def live() -> Health:
        """The process answers."""
        return Health(status="ok")

    @router.get(READY, response_model=Health)
    @public
    async def ready(platform: CurrentPlatform) -> JSONResponse:
        """Requests can be served: the database answers and is migrated."""
        return await answer(platform)

    @router.get(STARTUP, response_model=Health)
    @public
    async def startup(platform: CurrentPlatform) -> JSONResponse:
        """The same as readiness, for a probe of its own with more patience."""
        return await answer(platform)

    return router
