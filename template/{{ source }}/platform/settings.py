"""What the platform can be told from outside: environment variables, or `.env` in development."""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AliasChoices,
    AnyHttpUrl,
    Field,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from .backups.settings import BackupSettings
from .database_url import checked

DEVELOPMENT_SECRET = "for-development-only-never-in-production"  # noqa: S105
SECRET_LENGTH = 32

Names = Annotated[tuple[str, ...], NoDecode]


def _is_weak(secret: SecretStr) -> bool:
    text = secret.get_secret_value()
    return text == DEVELOPMENT_SECRET or len(text) < SECRET_LENGTH


# What does for development and tests, and what has to be there instead.
_UNFIT: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "public_url": (lambda url: url.scheme != "https", "must be the https:// address users see"),
    "allowed_hosts": (
        lambda names: bool({"*", "testserver"} & set(names)),
        "must list the host names you serve",
    ),
    "cors_origins": (lambda origins: "*" in origins, "must list origins, not *,"),
    "secret_key": (
        _is_weak,
        f"needs {SECRET_LENGTH} random characters (openssl rand -hex 32)",
    ),
    "smtp_url": (lambda url: url is None, "is needed, for sign-up and password reset send mail,"),
    "mail_from": (lambda sender: sender.endswith("@localhost"), "must be an address of yours"),
}


class PlatformSettings(BackupSettings, BaseSettings):
    """Settings of the platform; subclass it to add your own.

    Every field is an environment variable of the same name in capitals. In production a default
    or missing secret stops the start-up (ASVS 5.0 13.2.3, CWE-1392).
    """

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )

    environment: Literal["development", "test", "production"] = "development"
    """Production insists on secrets of its own and hides the API's description."""
    service_name: str = "service"
    """Names the service in logs, traces and mails."""
    service_version: str = "0.0.0"
    """Names the release in traces."""

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: int = Field(default=8000, ge=0, le=65535)
    """The port to listen on; 0 picks a free one."""
    public_url: AnyHttpUrl = AnyHttpUrl("http://localhost:8000")
    """The address that users see; links in mails begin with it."""
    allowed_hosts: Names = ("localhost", "127.0.0.1", "testserver")
    """The host names that are answered, separated by commas."""
    cors_origins: Names = ()
    """Other origins whose pages may call with the user's cookie, separated by commas."""
    trusted_proxy_hops: int = Field(default=0, ge=0, le=10)
    """How many proxies stand in front; so many entries of X-Forwarded-For are believed."""

    database_url: str
    """postgresql://user:password@host:5432/name"""
    database_pool_size: PositiveInt = 10
    """Connections of one process for features; half as many again look sessions up."""
    database_pool_timeout: PositiveFloat = 1.0
    """Seconds to wait for a connection before the answer is 503."""
    statement_timeout: PositiveFloat = 5.0
    """Seconds that a statement may take."""
    lock_timeout: PositiveFloat = 2.0
    """Seconds that a statement may wait for a lock."""

    max_body_bytes: PositiveInt = 1024 * 1024
    """A larger body is refused with 413."""
    max_concurrency: PositiveInt = 256
    """Requests that one process serves at once; further ones get 503."""
    request_timeout: PositiveFloat = 15.0
    """Seconds that a request may take."""
    shutdown_grace: PositiveFloat = 20.0
    """Seconds that what runs is given to finish at SIGTERM."""

    secret_key: SecretStr = SecretStr(DEVELOPMENT_SECRET)
    """Seals cursors, and keys the hashes of addresses in counters and the audit log."""
    session_idle_minutes: PositiveInt = 60 * 24
    """A session that was idle for so long is over."""
    session_absolute_minutes: PositiveInt = 60 * 24 * 14
    """A session is over after this time, used or not."""

    smtp_url: SecretStr | None = None
    """smtps://user:password@host:465, or smtp://… on port 587 with STARTTLS."""
    mail_from: str = "no-reply@localhost"
    """The sender of mails."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Lines below this level are dropped."""
    log_format: Literal["auto", "json", "console"] = "auto"
    """Auto is JSON in production, and made for eyes elsewhere."""
    log_redact_keys: Annotated[frozenset[str], NoDecode] = frozenset()
    """Further keys whose values are never logged, separated by commas."""

    otlp_endpoint: AnyHttpUrl | None = Field(
        default=None,
        validation_alias=AliasChoices("otlp_endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT"),
    )
    """An OTLP/HTTP collector for traces and metrics; without one nothing is exported."""
    trace_sample_ratio: float = Field(default=0.1, ge=0, le=1)
    """The share of requests that are traced, unless the caller has decided."""

    embedded_worker: bool = False
    """Run the jobs in the server's own process, as `make dev` does."""

    @field_validator("allowed_hosts", "cors_origins", "log_redact_keys", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: str) -> str:
        return checked(value)

    # Field by field, for a check of the whole would wait until every field holds by itself.
    @field_validator(*_UNFIT)
    @classmethod
    def _is_fit_for_production(cls, value: Any, info: ValidationInfo) -> Any:
        is_unfit, remedy = _UNFIT[str(info.field_name)]
        if info.data.get("environment") == "production" and is_unfit(value):
            raise ValueError(f"{remedy} in production")
        return value

    @property
    def is_production(self) -> bool:
        return self.environment == "production"
