"""What the platform can be told from outside: environment variables, or `.env` in development."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AliasChoices,
    AnyHttpUrl,
    Field,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from .backups.settings import BackupSettings

DEVELOPMENT_SECRET = "for-development-only-never-in-production"  # noqa: S105
SECRET_LENGTH = 32

Names = Annotated[tuple[str, ...], NoDecode]


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
    )

    environment: Literal["development", "test", "production"] = "development"
    service_name: str = "service"
    service_version: str = "0.0.0"

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    public_url: AnyHttpUrl = AnyHttpUrl("http://localhost:8000")
    allowed_hosts: Names = ("localhost", "127.0.0.1", "testserver")
    cors_origins: Names = ()
    trusted_proxy_hops: int = Field(default=0, ge=0, le=10)

    database_url: str = Field(description="postgresql://user:password@host:port/name")
    database_pool_size: PositiveInt = 10
    database_pool_timeout: PositiveFloat = 1.0
    statement_timeout: PositiveFloat = 5.0
    lock_timeout: PositiveFloat = 2.0

    max_body_bytes: PositiveInt = 1024 * 1024
    max_concurrency: PositiveInt = 256
    request_timeout: PositiveFloat = 15.0
    shutdown_grace: PositiveFloat = 20.0

    secret_key: SecretStr = SecretStr(DEVELOPMENT_SECRET)
    session_idle_minutes: PositiveInt = 60 * 24
    session_absolute_minutes: PositiveInt = 60 * 24 * 14

    smtp_url: SecretStr | None = Field(default=None, description="smtps://user:password@host:465")
    mail_from: str = "no-reply@localhost"

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"
    log_redact_keys: Annotated[frozenset[str], NoDecode] = frozenset()

    otlp_endpoint: AnyHttpUrl | None = Field(
        default=None,
        validation_alias=AliasChoices("otlp_endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT"),
    )
    trace_sample_ratio: float = Field(default=0.1, ge=0, le=1)

    embedded_worker: bool = Field(
        default=False, description="Run the jobs in the server's own process."
    )

    @field_validator("allowed_hosts", "cors_origins", "log_redact_keys", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: str) -> str:
        url = urlsplit(value)
        if url.scheme not in {"postgresql", "postgres"} or not url.path.strip("/"):
            raise ValueError("must look like postgresql://user:password@host:5432/name")
        return value

    @model_validator(mode="after")
    def _is_fit_for_production(self) -> Self:
        if self.is_production and (faults := list(self._production_faults())):
            raise ValueError("not fit for production: " + "; ".join(faults))
        return self

    def _production_faults(self) -> Iterator[str]:
        secret = self.secret_key.get_secret_value()
        if secret == DEVELOPMENT_SECRET or len(secret) < SECRET_LENGTH:
            yield f"SECRET_KEY needs {SECRET_LENGTH} random characters (openssl rand -hex 32)"
        if self.public_url.scheme != "https":
            yield "PUBLIC_URL must be the https:// address your users see"
        if self.smtp_url is None:
            yield "SMTP_URL is missing: sign-up and password reset send mail"
        if self.mail_from.endswith("@localhost"):
            yield "MAIL_FROM must be an address of yours"
        if {"*", "testserver"} & set(self.allowed_hosts):
            yield "ALLOWED_HOSTS must list the host names you serve"
        if "*" in self.cors_origins:
            yield "CORS_ORIGINS must list origins, not *"

    @property
    def is_production(self) -> bool:
        return self.environment == "production"
