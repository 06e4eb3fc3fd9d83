"""Where the prototype's data is: what of it is backed up. Nothing is, unless it is named."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AnyHttpUrl, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode

from ...platform.database_url import checked, encrypted

_KEY = ("endpoint", "access_key_id", "secret_access_key")


class PrototypeDataSettings(BaseSettings):
    """The backups' part of the settings: `PROTOTYPE_DATABASE_URL` and its like."""

    prototype_database_url: SecretStr | None = Field(
        default=None,
        description="postgresql://… of a role that can read everything; of Supabase the session "
        "pooler's.",
    )
    prototype_sqlite_file: Path | None = Field(
        default=None, description="The prototype's SQLite file, on this machine."
    )
    prototype_buckets: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="The prototype's storage buckets, separated by commas."
    )
    prototype_buckets_endpoint: AnyHttpUrl | None = Field(
        default=None,
        description="Their S3 address: https://<project>.storage.supabase.co/storage/v1/s3",
    )
    prototype_buckets_region: str = Field(
        default="us-east-1", description="The region that the storage settings show."
    )
    prototype_buckets_access_key_id: SecretStr | None = Field(
        default=None, description="Of an S3 access key, which Supabase's storage settings make."
    )
    prototype_buckets_secret_access_key: SecretStr | None = Field(
        default=None, description="Of the same key."
    )

    @field_validator("prototype_buckets", mode="before")
    @classmethod
    def _split_buckets(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value

    @field_validator("prototype_database_url")
    @classmethod
    def _is_fit_for_a_backup(cls, value: SecretStr | None) -> SecretStr | None:
        return value and SecretStr(encrypted(checked(value.get_secret_value())))

    @model_validator(mode="after")
    def _buckets_can_be_read(self) -> Self:
        missing = [name for name in _KEY if getattr(self, f"prototype_buckets_{name}") is None]
        if self.prototype_buckets and missing:
            names = ", ".join(f"PROTOTYPE_BUCKETS_{name.upper()}" for name in missing)
            raise ValueError(f"PROTOTYPE_BUCKETS is set, so these have to be: {names}")
        return self
