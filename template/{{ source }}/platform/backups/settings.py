"""Where backups go, who can read them and how long they are kept."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ImportString, field_validator
from pydantic_settings import BaseSettings, NoDecode

from ..database_url import checked

SmokeTest = Callable[[Any], Awaitable[None]]


class BackupSettings(BaseSettings):
    """The backup part of the platform's settings: `BACKUP_STORE`, `BACKUP_RECIPIENTS` and so on."""

    backup_store: str = Field(
        default="backups",
        description="Where backups go: a directory, or the URL of a store.",
    )
    backup_recipients: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="age public keys that can read a backup, separated by commas. Give two.",
    )
    backup_identity_file: Path | None = Field(
        default=None,
        description="The age identity (private key) file. Only restoring and drills need it.",
    )
    backup_scratch_url: str | None = Field(
        default=None,
        repr=False,
        description="The server on which drills create their scratch database, if not the own one.",
    )
    backup_keep_daily: int = Field(
        default=7, ge=0, description="Of how many days the newest backup stays."
    )
    backup_keep_weekly: int = Field(
        default=5, ge=0, description="Of how many ISO weeks the newest backup stays."
    )
    backup_keep_monthly: int = Field(
        default=12, ge=0, description="Of how many months the newest backup stays."
    )
    backup_smoke_test: ImportString[SmokeTest] | None = Field(
        default=None,
        description="`module:function`; a drill awaits it with a client of the restored service.",
    )

    @field_validator("backup_scratch_url")
    @classmethod
    def _can_be_connected_to(cls, value: str | None) -> str | None:
        return value and checked(value)

    @field_validator("backup_recipients", mode="before")
    @classmethod
    def _split_recipients(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())
