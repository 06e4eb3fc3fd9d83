"""What a request, a job or a command may use of the platform, wired once at start-up."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from .clock import Clock
from .database import Database
from .jobs import Jobs
from .mail import Mailer
from .settings import PlatformSettings
from .telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Platform:
    settings: PlatformSettings
    database: Database
    jobs: Jobs
    mailer: Mailer
    clock: Clock
    telemetry: Telemetry


# Asynchronous, though it awaits nothing: FastAPI gives a plain function a thread of its own.
async def platform_of(request: Request) -> Platform:
    platform: Platform = request.app.state.platform
    return platform


CurrentPlatform = Annotated[Platform, Depends(platform_of)]
