"""The session cookie.

`__Host-` makes browsers insist on Secure, on Path=/ and on no Domain, so that no neighbouring
host can plant one (RFC 6265bis, 4.1.3.2; ASVS 5.0 3.3.1 to 3.3.4). It is the same in development:
browsers and curl treat http://localhost as secure. Other HTTP clients keep such a cookie to
themselves there; give it to them as a header.
"""

from datetime import timedelta

from fastapi import Response

SESSION_COOKIE = "__Host-session"


def give_session(response: Response, token: str, lifetime: timedelta) -> None:
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=int(lifetime.total_seconds()),
        path="/",
        secure=True,
        httponly=True,
        samesite="lax",
    )


def take_session(response: Response) -> None:
    response.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    # ASVS 5.0 14.3.1: what the browser kept of the session goes with it.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
