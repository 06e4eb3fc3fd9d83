"""Where the prototype is, and what one request to it may take."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, PositiveFloat, PositiveInt, field_validator
from pydantic_settings import BaseSettings, NoDecode

from .backups.settings import PrototypeDataSettings
from .gate.settings import GateSettings

_MEBIBYTE = 1024 * 1024

KeptPaths = Annotated[
    tuple[str, ...],
    NoDecode,
    Field(description="Paths (`/auth/me`) that stay the prototype's, though the service has them."),
]


class LegacySettings(GateSettings, PrototypeDataSettings, BaseSettings):
    """The facade's part of the settings: `PROTOTYPE_URL`, `PROTOTYPE_APP` and so on."""

    prototype_url: str | None = Field(
        default=None,
        description="Where the prototype listens, if it runs as a process of its own.",
    )
    prototype_app: str = Field(
        default="",
        pattern=r"^$|^[\w.]+:[\w.]+$",
        description="`module:attribute` of a prototype that runs in this process instead.",
    )
    prototype_interface: Literal["asgi", "wsgi"] = Field(
        default="asgi", description="What PROTOTYPE_APP speaks: FastAPI asgi, Flask wsgi."
    )
    prototype_dir: Path = Field(
        default=Path(".."),
        description="The folder of PROTOTYPE_APP; its modules and files are looked for there.",
    )
    prototype_routes: Annotated[tuple[tuple[str, str], ...], NoDecode] = Field(
        default=(),
        description="Further upstreams by path: `/supabase=https://ref.supabase.co`, by commas.",
    )
    prototype_keeps: KeptPaths = ()
    prototype_max_body_bytes: PositiveInt = Field(
        default=50 * _MEBIBYTE, description="A larger body is refused with 413."
    )
    prototype_max_message_bytes: PositiveInt = Field(
        default=4 * _MEBIBYTE, description="The largest message on a WebSocket."
    )
    prototype_max_concurrency: PositiveInt = Field(
        default=512, description="Requests to the prototype at once; further ones get 503."
    )
    prototype_connect_timeout: PositiveFloat = Field(
        default=5.0, description="Seconds to wait for a connection to the prototype."
    )
    prototype_idle_timeout: PositiveFloat = Field(
        default=60.0, description="Seconds without a byte, from either side, that end a request."
    )
    prototype_rate: PositiveFloat = Field(
        default=50.0, description="Requests a second that one caller may make for long."
    )
    prototype_rate_burst: PositiveInt = Field(
        default=500, description="Requests that one caller may make at once."
    )
    prototype_failures: PositiveInt = Field(
        default=5, description="Failures in a row after which the prototype is left alone."
    )
    prototype_recovery_seconds: PositiveFloat = Field(
        default=5.0, description="How long it is left alone before one request tries again."
    )

    @field_validator("prototype_keeps", mode="before")
    @classmethod
    def _split_paths(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("prototype_routes", mode="before")
    @classmethod
    def _split_routes(cls, value: object) -> object:
        if isinstance(value, str):
            parts = (part.strip().partition("=") for part in value.split(",") if part.strip())
            return tuple((prefix.strip(), url.strip()) for prefix, _, url in parts)
        return value

    @field_validator("prototype_url")
    @classmethod
    def _is_an_upstream(cls, value: str | None) -> str | None:
        if not value:
            return None
        _refuse_unfit(value)
        return value

    @field_validator("prototype_routes")
    @classmethod
    def _are_routes(cls, value: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        for prefix, url in value:
            if not prefix.startswith("/") or prefix.endswith("/") or "%" in prefix:
                raise ValueError("a path must look like /supabase: no slash at its end, no %")
            _refuse_unfit(url)
        return value


def _refuse_unfit(url: str) -> None:
    """An upstream is an origin and perhaps a path; the rest of a URL is the caller's part."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("an upstream must look like http://127.0.0.1:3000")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("an upstream has no user, query or fragment")
