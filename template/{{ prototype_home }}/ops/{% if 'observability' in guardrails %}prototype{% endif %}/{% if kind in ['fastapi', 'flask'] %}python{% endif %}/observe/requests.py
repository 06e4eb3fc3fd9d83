"""Each request in its span, on one line when it is over, and by its ids on every line between."""

import re
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from types import ModuleType
from typing import Any

from . import lines, tracing

_TRACEPARENT = re.compile(r"[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-[\da-f]{2}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_SEEN = "observe.seen"

Scope = MutableMapping[str, Any]


def observe_starlette(module: ModuleType) -> None:
    serve = module.Starlette.__call__

    async def observed(app: Any, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or _SEEN in scope:
            await serve(app, scope, receive, send)
            return
        scope[_SEEN] = True
        await _asgi(lambda tell: serve(app, scope, receive, tell), scope, send)

    module.Starlette.__call__ = observed


def observe_flask(module: ModuleType) -> None:
    serve = module.Flask.__call__

    def observed(app: Any, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if _SEEN in environ:
            return serve(app, environ, start_response)  # type: ignore[no-any-return]
        environ[_SEEN] = True
        return _wsgi(lambda tell: serve(app, environ, tell), environ, start_response)

    module.Flask.__call__ = observed


class _Observed:
    """One request, from its first byte to its last."""

    def __init__(self, method: str, path: str, headers: dict[str, str]) -> None:
        self._began = time.perf_counter()
        self._method, self._path = method, path
        self._span = tracing.begin(method, path, headers)
        found = {}
        if _REQUEST_ID.fullmatch(headers.get("x-request-id", "")):
            found["request_id"] = headers["x-request-id"]
        if self._span is not None:
            found |= tracing.ids_of(self._span)
        elif caller := _TRACEPARENT.match(headers.get("traceparent", "")):
            found |= {"trace_id": caller[1], "span_id": caller[2]}
        self._ids = found
        self.status: int | None = None
        self.route: str | None = None

    def __enter__(self) -> "_Observed":
        self._token = lines.ids.set(self._ids)
        self._attached = tracing.attach(self._span)
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        failed = isinstance(error, Exception) or (self.status or 0) >= 500
        lines.write(
            "error" if failed else "info",
            "request",
            "requests",
            method=self._method,
            path=self._path[:512],
            route=self.route,
            status=self.status,
            duration_ms=round((time.perf_counter() - self._began) * 1000, 2),
            **({"error": type(error).__name__} if error else {}),
        )
        tracing.detach(self._attached)
        tracing.end(self._span, self._method, self.route, self.status, failed=failed)
        try:
            lines.ids.reset(self._token)
        except ValueError:
            # A generator may be closed in another context than it began in.
            lines.ids.set({})


async def _asgi(serve: Callable[[Any], Awaitable[None]], scope: Scope, send: Any) -> None:
    headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
    with _Observed(scope["method"], scope["path"], headers) as observed:

        async def tell(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                observed.status = message["status"]
            await send(message)

        try:
            await serve(tell)
        finally:
            observed.route = getattr(scope.get("route"), "path", None)


def _wsgi(
    serve: Callable[[Any], Iterable[bytes]], environ: dict[str, Any], start_response: Any
) -> Iterator[bytes]:
    headers = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    with _Observed(environ["REQUEST_METHOD"], path, headers) as observed:

        def tell(status: str, *arguments: Any) -> Any:
            observed.status = int(status[:3])
            # Flask forgets its request as soon as it has answered.
            rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
            observed.route = getattr(rule, "rule", None)
            return start_response(status, *arguments)

        answer = serve(tell)
        try:
            yield from answer
        finally:
            if hasattr(answer, "close"):
                answer.close()
