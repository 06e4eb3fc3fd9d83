"""Optimistic concurrency over HTTP: a row's version is its strong entity tag (RFC 9110, 13).

A reader that sends the tag back in `If-None-Match` is spared what it has; a writer must send it
in `If-Match`, so that nobody overwrites a change that they have not seen (CWE-362).
"""

import re
from typing import Annotated

from fastapi import Depends, Header, Response
from starlette.exceptions import HTTPException

from .description import INSISTED_ON
from .problems import PreconditionFailed, PreconditionRequired

_ENTITY_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]*"')


def entity_tag(version: int) -> str:
    return f'"{version}"'


class NotModified(HTTPException):
    """The caller has this version already."""

    def __init__(self, tag: str) -> None:
        super().__init__(304, headers={"ETag": tag})


class ReadPrecondition:
    def __init__(self, response: Response, if_none_match: str | None) -> None:
        self._response = response
        # Weak comparison: a proxy that compresses a response weakens its tag.
        self._known = {tag.removeprefix("W/") for tag in _ENTITY_TAG.findall(if_none_match or "")}
        self._any = if_none_match == "*"

    def show(self, version: int) -> None:
        """Tag the response with `version`.

        Raises:
            NotModified: it is the version that the caller has.
        """
        tag = entity_tag(version)
        if self._any or tag in self._known:
            raise NotModified(tag)
        self._response.headers["ETag"] = tag


class WritePrecondition:
    """Refuses a write without `If-Match`.

    Raises:
        PreconditionRequired: the header is missing.
    """

    def __init__(self, response: Response, if_match: str | None) -> None:
        if if_match is None:
            raise PreconditionRequired(
                "Send the ETag of what you have read as If-Match, so that no change is lost."
            )
        self._response = response
        self._expected = set(_ENTITY_TAG.findall(if_match))  # strong: W/"1" equals nothing
        self._any = if_match == "*"

    def check(self, version: int) -> None:
        """Call it on the locked row, before the change.

        Raises:
            PreconditionFailed: somebody else has changed it since the caller read it.
        """
        if not self._any and entity_tag(version) not in self._expected:
            raise PreconditionFailed("This has changed since you read it. Read it again.")

    def changed(self, version: int) -> None:
        """Tag the response with the version after the change."""
        self._response.headers["ETag"] = entity_tag(version)


async def _read_precondition(
    response: Response,
    if_none_match: Annotated[
        str | None, Header(alias="If-None-Match", description="The ETag of what you have.")
    ] = None,
) -> ReadPrecondition:
    return ReadPrecondition(response, if_none_match)


async def _write_precondition(
    response: Response,
    if_match: Annotated[
        str | None,
        Header(
            alias="If-Match",
            description="The ETag of what you read.",
            json_schema_extra=INSISTED_ON,
        ),
    ] = None,
) -> WritePrecondition:
    return WritePrecondition(response, if_match)


IfNoneMatch = Annotated[ReadPrecondition, Depends(_read_precondition)]
IfMatch = Annotated[WritePrecondition, Depends(_write_precondition)]
