"""Who is calling the prototype: one port, and a part for each kind of credential."""

from collections.abc import Iterator, Sequence

from ...platform.clock import Clock
from .accounts import AccountCallers
from .caller import Caller
from .chain import CallerChain, Callers, Identified
from .discovery import discovered
from .jwks import KeySet, NewClient, published_at
from .oidc import OidcCallers, Provider
from .sessions import FlaskSessions, JwtSessions
from .settings import CallerSettings, Part
from .supabase import SupabaseCallers
from .tokens import Expected
from .whoami import AskedCallers

__all__ = ["Caller", "CallerChain", "CallerSettings", "Callers", "Identified", "callers_of"]


def callers_of(
    settings: CallerSettings,
    new_client: NewClient,
    clock: Clock,
    asked: Sequence[Part] | None = None,
) -> CallerChain:
    """The parts that are asked for, as far as the settings name what each needs."""
    known = settings.known_callers()
    wanted = [part for part in known if asked is None or part in asked]
    return CallerChain(list(_parts(wanted, settings, new_client, clock)))


def _parts(
    wanted: Sequence[Part], settings: CallerSettings, new_client: NewClient, clock: Clock
) -> Iterator[Callers]:
    for part in wanted:
        match part:
            case "supabase":
                yield _supabase(settings, new_client, clock)
            case "oidc":
                yield _oidc(settings, new_client, clock)
            case "jwt":
                yield _jwt(settings, clock)
            case "flask":
                yield _flask(settings)
            case "asked":
                yield _asked(settings, new_client, clock)
            case "accounts":
                yield AccountCallers()


def _supabase(settings: CallerSettings, new_client: NewClient, clock: Clock) -> SupabaseCallers:
    secret = settings.supabase_jwt_secret
    auth = f"{str(settings.supabase_url).rstrip('/')}/auth/v1"
    return SupabaseCallers(
        KeySet(published_at(f"{auth}/.well-known/jwks.json", new_client), clock),
        clock,
        issuer=settings.supabase_issuer or auth,
        audience=settings.supabase_audience,
        legacy_secret=secret.get_secret_value() if secret else None,
    )


def _oidc(settings: CallerSettings, new_client: NewClient, clock: Clock) -> OidcCallers:
    assert settings.oidc_issuer is not None
    provider = Provider(
        settings.oidc_issuer,
        settings.oidc_audience,
        settings.oidc_clients,
        settings.oidc_subjects,
        settings.oidc_roles,
    )
    keys = KeySet(discovered(settings.oidc_issuer, new_client), clock)
    return OidcCallers(provider, keys, clock, cookies=settings.oidc_cookies)


def _jwt(settings: CallerSettings, clock: Clock) -> JwtSessions:
    assert settings.session_jwt_secret is not None
    return JwtSessions(
        settings.session_jwt_secret.get_secret_value(),
        clock,
        expected=Expected(
            settings.session_jwt_issuer,
            settings.session_jwt_audience,
            settings.session_jwt_needs_expiry,
        ),
        subjects=settings.session_jwt_subjects,
        algorithm=settings.session_jwt_algorithm,
        cookies=settings.session_jwt_cookies,
    )


def _flask(settings: CallerSettings) -> FlaskSessions:
    assert settings.flask_secret_key is not None
    return FlaskSessions(
        settings.flask_secret_key.get_secret_value(),
        cookie=settings.flask_session_cookie,
        subjects=settings.flask_session_subjects,
        lifetime_seconds=settings.flask_session_days * 24 * 3600,
    )


def _asked(settings: CallerSettings, new_client: NewClient, clock: Clock) -> AskedCallers:
    return AskedCallers(
        str(settings.whoami_url),
        new_client,
        clock,
        cookies=settings.whoami_cookies,
        subjects=settings.session_jwt_subjects,
    )
