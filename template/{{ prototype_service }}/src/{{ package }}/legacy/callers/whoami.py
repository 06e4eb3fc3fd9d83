"""Callers whose session only the prototype can read: it is asked who they are.

Sessions that express-session, Auth.js, Better Auth or Django keep are an opaque id in a cookie. The
prototype has a route that tells the front end who is signed in (`/api/auth/user`,
`/api/auth/session`); its answer to the same cookies is what counts here.
"""

import asyncio
import json
import re
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx2

from ...platform.clock import Clock
from .caller import BadCredential, Caller, CannotVerify
from .claims import roles_of, subject_of
from .jwks import NewClient
from .presented import Presented
from .remembered import Remembered

_SECONDS: Final = 15.0
_MOST_BYTES: Final = 64 * 1024
_UNCHANGING: Final = object()
_SAFE: Final = re.compile(r"[\x21-\x7e]+")


class AskedCallers:
    """Asks `url` with the session cookies of the request, or with its Bearer token.

    An answer is good for 15 seconds: so long is somebody known who has just logged out.
    """

    def __init__(
        self,
        url: str,
        new_client: NewClient,
        clock: Clock,
        *,
        cookies: Sequence[str],
        subjects: Sequence[str],
    ) -> None:
        self._url = url
        self._new_client = new_client
        self._clock = clock
        self._cookies = cookies
        self._subjects = subjects
        self._tls = ssl.create_default_context()
        self._remembered = Remembered(_SECONDS)
        self._asking: dict[str, asyncio.Task[Caller | None]] = {}

    async def identify(self, presented: Presented) -> Caller | None:
        headers = self._credentials(presented)
        if not headers:
            return None
        credential = "\n".join(headers.values())
        now = self._clock.now().timestamp()
        known = self._remembered.recall(credential, now, _UNCHANGING, Caller)
        return known or await self._ask_once(credential, headers)

    def _credentials(self, presented: Presented) -> dict[str, str]:
        """Only what may be a session: the rest of a request is no business of that route."""
        headers = {}
        if presented.bearer:
            headers["authorization"] = f"Bearer {presented.bearer}"
        pairs = [(name, presented.cookie(name)) for name in self._cookies]
        sent = [f"{name}={value}" for name, value in pairs if value and _SAFE.fullmatch(value)]
        if sent:
            headers["cookie"] = "; ".join(sent)
        return headers

    async def _ask_once(self, credential: str, headers: Mapping[str, str]) -> Caller | None:
        """A page makes many requests at once; the prototype is asked for all of them together."""
        task = self._asking.get(credential)
        if task is None:
            task = asyncio.create_task(self._ask(credential, headers))
            self._asking[credential] = task
            task.add_done_callback(lambda done: self._asked(credential, done))
        return await asyncio.shield(task)

    def _asked(self, credential: str, done: "asyncio.Task[Caller | None]") -> None:
        del self._asking[credential]
        if not done.cancelled():
            done.exception()  # whoever asked may be gone: then nobody else looks at it

    async def _ask(self, credential: str, headers: Mapping[str, str]) -> Caller | None:
        said = await self._answer(headers)
        subject = subject_of(said, self._subjects)
        if subject is None:
            return None
        caller = Caller(subject, "session", roles_of(said, said.get("user")), said)
        self._remembered.keep(credential, caller, self._clock.now().timestamp(), None)
        return caller

    async def _answer(self, headers: Mapping[str, str]) -> Mapping[str, Any]:
        """What the prototype says.

        Raises:
            BadCredential: that this is nobody's session.
            CannotVerify: nothing that could be understood.
        """
        asked = {"accept": "application/json", **headers}
        try:
            async with (
                self._new_client(verify=self._tls) as client,
                client.stream("GET", self._url, headers=asked) as response,
            ):
                content = await _read(response)
        except httpx2.HTTPError as error:
            raise CannotVerify from error
        if response.status_code in {401, 403, 404} or response.is_redirect:
            raise BadCredential("session-unknown")
        if response.status_code != 200:
            raise CannotVerify
        try:
            said = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise CannotVerify from error
        return said if isinstance(said, dict) else {}


async def _read(response: httpx2.Response) -> bytes:
    content = b""
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > _MOST_BYTES:
            raise CannotVerify
    return content
