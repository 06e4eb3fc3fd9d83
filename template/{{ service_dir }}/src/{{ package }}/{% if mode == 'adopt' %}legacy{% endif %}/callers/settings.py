"""How the prototype's callers are recognised: which parts, and the keys that prove it."""

from typing import Annotated, Literal

from pydantic import AnyHttpUrl, Field, PositiveInt, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode

Part = Literal["supabase", "jwt", "flask", "accounts"]
PARTS: tuple[Part, ...] = ("supabase", "jwt", "flask", "accounts")

_SUBJECTS = ("sub", "id", "userId", "user_id", "uid", "user.id", "user_email", "email", "username")
_FLASK_SUBJECTS = (
    "_user_id", "user_id", "userId", "uid", "id", "user.id", "user", "username", "email",
)  # fmt: skip


class CallerSettings(BaseSettings):
    """`CALLERS` names the parts in the order in which they are asked, separated by commas.

    Each needs its own settings: `SUPABASE_…`, `SESSION_JWT_…` or `FLASK_…`; `accounts` none.
    """

    callers: Annotated[tuple[Part, ...], NoDecode] = ("accounts",)
    """Who is recognised: supabase, jwt, flask, accounts."""

    supabase_url: AnyHttpUrl | None = None
    """https://<project>.supabase.co, the issuer of the tokens and of their keys."""
    supabase_issuer: str | None = None
    """What `iss` must be, where it is not SUPABASE_URL/auth/v1."""
    supabase_audience: str = "authenticated"
    """What `aud` must be."""
    supabase_jwt_secret: SecretStr | None = None
    """The legacy JWT secret, for tokens that are still signed with it."""

    session_jwt_secret: SecretStr | None = None
    """The secret that the prototype signs its own tokens with."""
    session_jwt_algorithm: Literal["HS256", "HS384", "HS512"] = "HS256"
    """The algorithm that it signs them with."""
    session_jwt_cookies: Annotated[tuple[str, ...], NoDecode] = ()
    """Cookies that may hold such a token, separated by commas; the Bearer header always may."""
    session_jwt_issuer: str | None = None
    """What `iss` must be, if the prototype sets it."""
    session_jwt_audience: str | None = None
    """What `aud` must be, if the prototype sets it."""
    session_jwt_needs_expiry: bool = True
    """Whether a token without `exp` is refused. Such a token is good for ever, for a thief too."""
    session_jwt_subjects: Annotated[tuple[str, ...], NoDecode] = _SUBJECTS
    """Claims that may say who it is; the first one that is there does."""

    flask_secret_key: SecretStr | None = None
    """The SECRET_KEY of the Flask prototype."""
    flask_session_cookie: str = "session"
    """Its SESSION_COOKIE_NAME."""
    flask_session_days: PositiveInt = Field(default=31, le=366)
    """Its PERMANENT_SESSION_LIFETIME."""
    flask_session_subjects: Annotated[tuple[str, ...], NoDecode] = _FLASK_SUBJECTS
    """Keys of the session that may say who it is; a session with none is nobody's."""

    @field_validator(
        "callers",
        "session_jwt_cookies",
        "session_jwt_subjects",
        "flask_session_subjects",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value

    @field_validator("callers")
    @classmethod
    def _are_some(cls, value: tuple[Part, ...]) -> tuple[Part, ...]:
        if not value or len(set(value)) != len(value):
            raise ValueError(f"must name some of {', '.join(PARTS)}, each once")
        return value

    def caller_faults(self) -> list[str]:
        """What a part that is asked for lacks."""
        needs = {
            "supabase": ("SUPABASE_URL", self.supabase_url),
            "jwt": ("SESSION_JWT_SECRET", self.session_jwt_secret),
            "flask": ("FLASK_SECRET_KEY", self.flask_secret_key),
        }
        return [
            f"CALLERS names {part}, which needs {needs[part][0]}"
            for part in self.callers
            if part in needs and not needs[part][1]
        ]
