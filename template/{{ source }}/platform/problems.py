"""Errors a caller may see, as problem details (RFC 9457).

Problem
├── BadRequest            400
├── Unauthenticated       401
├── Forbidden             403
├── NotFound              404
├── Conflict              409
├── PreconditionFailed    412
├── ContentTooLarge       413
├── UnprocessableContent  422
├── PreconditionRequired  428
├── TooManyRequests       429
└── Unavailable           503
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"

_RFC_9110_PHRASES = {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}


class Problem(Exception):
    """An error whose text is meant for the caller; raise a subclass.

    `code` is stable and made for programs, `detail` is made for people, `extra` becomes
    extension members (RFC 9457, section 3.2).
    """

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "internal-error"

    def __init__(
        self,
        detail: str | None = None,
        *,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        self.detail = detail
        self.code = code or self.default_code
        self.headers = dict(headers or {})
        self.extra = extra
        super().__init__(detail or self.code)


class BadRequest(Problem):
    status = 400
    default_code = "bad-request"


class Unauthenticated(Problem):
    status = 401
    default_code = "unauthenticated"


class Forbidden(Problem):
    status = 403
    default_code = "forbidden"


class NotFound(Problem):
    status = 404
    default_code = "not-found"


class Conflict(Problem):
    status = 409
    default_code = "conflict"


class PreconditionFailed(Problem):
    status = 412
    default_code = "precondition-failed"


class ContentTooLarge(Problem):
    status = 413
    default_code = "content-too-large"


class UnprocessableContent(Problem):
    status = 422
    default_code = "unprocessable-content"


class PreconditionRequired(Problem):
    status = 428
    default_code = "precondition-required"


class TooManyRequests(Problem):
    status = 429
    default_code = "too-many-requests"

    def __init__(self, detail: str | None = None, *, retry_after: int = 60, **extra: Any) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)}, **extra)


class Unavailable(Problem):
    status = 503
    default_code = "unavailable"

    def __init__(self, detail: str | None = None, *, retry_after: int = 1, **extra: Any) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)}, **extra)


# What every operation may answer besides its success, for the OpenAPI description.
PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "Problem details (RFC 9457)",
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "type": "object",
                    "required": ["type", "title", "status", "code"],
                    "properties": {
                        "type": {"type": "string", "format": "uri-reference"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "code": {"type": "string"},
                        "detail": {"type": "string"},
                        "instance": {"type": "string"},
                    },
                }
            }
        },
    }
}


def phrase(status: int) -> str:
    """The reason phrase of RFC 9110, which Python knows from 3.13 on."""
    return _RFC_9110_PHRASES.get(status) or HTTPStatus(status).phrase


def problem_response(
    status: int,
    code: str,
    detail: str | None = None,
    *,
    request_id: str | None = None,
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Response:
    body: dict[str, Any] = {
        "type": f"urn:problem:{code}",
        "title": phrase(status),
        "status": status,
        "code": code,
    }
    if detail is not None:
        body["detail"] = detail
    if request_id is not None:
        body["instance"] = f"urn:request:{request_id}"
    body.update(extra or {})
    return Response(
        json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
        status_code=status,
        headers=dict(headers or {}),
        media_type=MEDIA_TYPE,
    )
