"""What stands behind the contenders: as cheap as can be for a proxy, and a real one to mount."""

from typing import Any
from urllib.parse import parse_qs

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from pydantic import BaseModel

_KILOBYTE = b'{"item":"' + b"x" * 1012 + b'"}'
_MEGABYTE = b"x" * (1024 * 1024)
_JSON = (b"content-type", b"application/json")


async def _serve(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await _echo(receive, send)
    elif scope["path"] == "/download":
        await _download(int(parse_qs(scope["query_string"].decode())["megabytes"][0]), send)
    elif scope["path"] == "/upload":
        await _upload(receive, send)
    elif scope["type"] == "http":
        await _answer(_KILOBYTE, send)


async def _answer(body: bytes, send: Any) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [_JSON, length]})
    await send({"type": "http.response.body", "body": body})


async def _download(megabytes: int, send: Any) -> None:
    length = (b"content-length", str(megabytes * len(_MEGABYTE)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    for number in range(megabytes):
        more = number < megabytes - 1
        await send({"type": "http.response.body", "body": _MEGABYTE, "more_body": more})


async def _upload(receive: Any, send: Any) -> None:
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await _answer(str(size).encode(), send)


async def _echo(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


def create_upstream() -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await _serve(scope, receive, send)

    return app


class Booking(BaseModel):
    number: int
    guest: str
    email: str
    nights: int
    paid: bool
    note: str | None = None


# As builders write them: every origin, models in and out. About a kilobyte as well.
mounted = FastAPI()
mounted.add_middleware(
    CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"]
)
_BOOKINGS = [
    Booking(number=n, guest=f"Guest {n}", email=f"guest-{n}@example.com", nights=2, paid=n % 2 == 0)
    for n in range(9)
]


@mounted.get("/items/{number}")
async def bookings(number: int, nights: int = 2) -> list[Booking]:
    return [one for one in _BOOKINGS if one.nights == nights and number]


def create_mounted() -> FastAPI:
    return mounted
