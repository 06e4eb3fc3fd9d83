"""Turns every exception that leaves a handler into a problem response (RFC 9457)."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from .problems import Problem, phrase, problem_response
from .requests import response_has_begun

_log = structlog.get_logger(__name__)

# Connection lost or refused, server shutting down, too many connections, statement or lock
# timed out: nothing is wrong with the request, and the next try may pass.
_TRANSIENT = ("08", "53", "57", "55P03", "40001", "40P01")


# What Starlette says when nothing more is known; the title says it already.
_PLAIN = frozenset(status.phrase for status in HTTPStatus)


def _request_id(request: Request) -> str | None:
    return getattr(request.state, "request_id", None)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(
        error.status,
        error.code,
        error.detail,
        request_id=_request_id(request),
        headers=error.headers,
        extra=error.extra,
    )


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.NOT_MODIFIED:
        return Response(status_code=error.status_code, headers=error.headers)
    title = phrase(error.status_code)
    not_allowed = error.status_code == HTTPStatus.METHOD_NOT_ALLOWED
    return problem_response(
        error.status_code,
        title.lower().replace(" ", "-"),
        None if error.detail in _PLAIN else error.detail,
        request_id=_request_id(request),
        headers=_allowed(request) if not_allowed else error.headers,
    )


def _allowed(request: Request) -> dict[str, str]:
    """Every method of the path (RFC 9110, 15.5.6): the router names those of one route only."""
    methods = {
        method
        for route in request.app.routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is Match.PARTIAL
        for method in route.methods or ()
    }
    return {"Allow": ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))}


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    _log.info("request_refused", code="invalid-request", faults=len(error.errors()))
    return problem_response(
        422,
        "invalid-request",
        "The request is not as this endpoint expects it.",
        request_id=_request_id(request),
        extra={"errors": [_fault(fault) for fault in error.errors()]},
    )


def _fault(fault: dict[str, Any]) -> dict[str, str]:
    """Where and what, without the value: what was sent may be a secret."""
    location: Sequence[str | int] = fault["loc"]
    return {
        "in": str(location[0]),
        "pointer": "".join(f"/{part}" for part in location[1:]),
        "detail": fault["msg"],
    }


async def _database(request: Request, error: Exception) -> Response:
    cause = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(cause, "sqlstate", None)
    transient = isinstance(error, (PoolExhausted, PoolTimeout, PoolClosed, TooManyRequests)) or (
        state.startswith(_TRANSIENT) if state else isinstance(cause, psycopg.OperationalError)
    )
    if not transient:
        return await _unexpected(request, error)
    _log.warning("database_unavailable", error=type(cause).__name__, sqlstate=state)
    return problem_response(
        503,
        "database-unavailable",
        "The database can't answer at the moment. Try again shortly.",
        request_id=_request_id(request),
        headers={"Retry-After": "1"},
    )


async def _unexpected(request: Request, error: Exception) -> Response:
    _log.error("unexpected_error", exc_info=error)
    return problem_response(
        500,
        "internal-error",
        "Something went wrong here. Quote the instance when you report it.",
        request_id=_request_id(request),
    )


class UnexpectedErrorMiddleware:
    """The last resort, inside the middlewares that add headers, ids and the access line.

    Starlette's own handler for `Exception` stands outside of all of them and raises again.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            if response_has_begun(scope):
                raise
            response = await _unexpected(Request(scope), error)
            await response(scope, receive, send)


def handle_errors(app: FastAPI) -> None:
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    for database_error in (
        DBAPIError,
        PoolExhausted,
        psycopg.Error,
        PoolTimeout,
        PoolClosed,
        TooManyRequests,
    ):
        app.add_exception_handler(database_error, _database)
