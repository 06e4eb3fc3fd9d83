"""What a caller gets when the facade answers itself: problem details, or a page for a browser."""

import html
from typing import Final

from starlette.responses import Response
from starlette.types import Scope

from ..platform.problems import Problem, phrase, problem_response

_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem}}
small{{color:#555}}</style>
<h1>{title}</h1>
<p>{detail}</p>
<p><small>Quote this when you report it: {request_id}</small></p>
</html>
"""
_PAGE_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class BadGateway(Problem):
    status = 502
    default_code = "prototype-unreachable"


class GatewayTimeout(Problem):
    status = 504
    default_code = "prototype-timeout"


class RequestTimeout(Problem):
    status = 408
    default_code = "request-timeout"


def refusal(scope: Scope, problem: Problem) -> Response:
    """A page for somebody who navigates, problem details (RFC 9457) for every other caller."""
    request_id = scope.get("state", {}).get("request_id")
    headers = {name: value.decode("latin-1") for name, value in scope["headers"] if name in _ASKED}
    if scope["type"] == "http" and _navigates(headers):
        page = _PAGE.format(
            title=html.escape(phrase(problem.status)),
            detail=html.escape(problem.detail or ""),
            request_id=html.escape(request_id or "-"),
        )
        return Response(
            page,
            status_code=problem.status,
            headers=problem.headers | _PAGE_HEADERS,
            media_type="text/html",
        )
    said = problem.headers | {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    if b"origin" in headers:
        # A page of another origin may know why: nothing in a refusal is anybody's secret.
        said["Access-Control-Allow-Origin"] = "*"
    return problem_response(
        problem.status,
        problem.code,
        problem.detail,
        request_id=request_id,
        headers=said,
        extra=problem.extra,
    )


_ASKED: Final = frozenset({b"accept", b"origin", b"sec-fetch-mode"})


def _navigates(headers: dict[bytes, str]) -> bool:
    mode = headers.get(b"sec-fetch-mode")
    if mode is not None:
        return mode == "navigate"
    return "text/html" in headers.get(b"accept", "")
