"""A Supabase project in small, written to the published protocols: what supabase-js talks to.

Auth after GoTrue (ES256 tokens, their keys as a JWKS), REST after PostgREST (rows that belong to
somebody, as row-level security would have it), Storage, Edge Functions, and Realtime with
Phoenix' messages in version 2.0.0, binary broadcasts included.
"""

import json
import secrets
import struct
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

PUSHED, BROADCAST = 3, 4


@dataclass
class Supabase:
    """The state of the project. `url` is its own address, which its tokens name as the issuer."""

    url: str
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    refresh: dict[str, str] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    objects: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    signed: dict[str, str] = field(default_factory=dict)
    orders: dict[int, str] = field(default_factory=dict)
    channels: dict[str, list[tuple[WebSocket, str | None]]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        every = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
        return Starlette(
            routes=[
                Route("/auth/v1/.well-known/jwks.json", self._keys),
                Route("/auth/v1/signup", self._sign_up, methods=["POST"]),
                Route("/auth/v1/token", self._token, methods=["POST"]),
                Route("/auth/v1/user", self._user),
                Route("/auth/v1/logout", self._log_out, methods=["POST"]),
                Route("/rest/v1/{table}", self._rest, methods=every),
                Route("/storage/v1/object/sign/{path:path}", self._sign, methods=["GET", "POST"]),
                Route("/storage/v1/object/{path:path}", self._object, methods=every),
                Route("/functions/v1/{name}", self._function, methods=every),
                Route("/realtime/v1/api/broadcast", self._broadcast_over_http, methods=["POST"]),
                WebSocketRoute("/realtime/v1/websocket", self._socket),
            ]
        )

    def anon_key(self, role: str = "anon") -> str:
        """The legacy key of a role, which is a token under the project's secret."""
        claims = {"iss": "supabase", "role": role, "iat": 1, "exp": 9_999_999_999}
        return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(self.secret))

    def token(self, email: str, role: str | None = None) -> str:
        """The access token of a user; a role is what the server has written down of them."""
        user = self.users.setdefault(email, {"id": str(uuid4()), "password": ""})
        token: str = self._session(email, user["id"], role)["access_token"]
        return token

    # Auth.

    async def _keys(self, _: Request) -> Response:
        key = {**self.key.as_dict(private=False), "kid": "one", "alg": "ES256", "use": "sig"}
        return JSONResponse({"keys": [key]})

    async def _sign_up(self, request: Request) -> Response:
        asked = await request.json()
        user = self.users.setdefault(
            asked["email"], {"id": str(uuid4()), "password": asked["password"]}
        )
        return JSONResponse(self._session(asked["email"], user["id"]))

    async def _token(self, request: Request) -> Response:
        asked = await request.json()
        if request.query_params["grant_type"] == "refresh_token":
            email = self.refresh.pop(asked["refresh_token"], None)
        else:
            user = self.users.get(asked["email"])
            email = asked["email"] if user and user["password"] == asked["password"] else None
        if email is None:
            wrong = {"code": 400, "error_code": "invalid_credentials", "msg": "Wrong password"}
            return JSONResponse(wrong, 400)
        return JSONResponse(self._session(email, self.users[email]["id"]))

    async def _user(self, request: Request) -> Response:
        claims = self._claims(request)
        if claims is None:
            return JSONResponse({"code": 401, "msg": "no user"}, 401)
        return JSONResponse(_user(claims["email"], claims["sub"]))

    async def _log_out(self, request: Request) -> Response:
        return Response(status_code=204 if self._claims(request) else 401)

    def _session(self, email: str, subject: str, role: str | None = None) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "iss": f"{self.url}/auth/v1", "aud": "authenticated", "sub": subject, "email": email,
            "role": "authenticated", "iat": now, "exp": now + 3600, "session_id": str(uuid4()),
            "app_metadata": {"provider": "email", "role": role}, "user_metadata": {"role": "admin"},
            "is_anonymous": False,
        }  # fmt: skip
        again = secrets.token_urlsafe(12)
        self.refresh[again] = email
        return {
            "access_token": jwt.encode({"alg": "ES256", "kid": "one"}, claims, self.key),
            "token_type": "bearer",
            "expires_in": 3600,
            "expires_at": now + 3600,
            "refresh_token": again,
            "user": _user(email, subject),
        }

    def _claims(self, request: Request) -> dict[str, Any] | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            return dict(jwt.decode(token, self.key, algorithms=["ES256"]).claims)
        except (JoseError, ValueError):
            return None

    # Rows, of which everybody sees their own.

    async def _rest(self, request: Request) -> Response:
        self.calls.append(f"{request.method} {request.url.path}")
        if "apikey" not in request.headers:
            return JSONResponse({"message": "No API key found in request"}, 401)
        claims = self._claims(request)
        table = request.path_params["table"]
        if request.method == "PATCH":
            return await self._change(request)
        if request.method == "POST":
            return await self._insert(request, table, claims)
        mine = [
            row["row"]
            for row in self.rows
            if row["table"] == table and claims and row["owner"] == claims["sub"]
        ]
        for name, value in request.query_params.items():
            if value.startswith("eq."):
                mine = [row for row in mine if str(row.get(name)) == value[3:]]
        return JSONResponse(mine, headers={"Content-Range": f"0-{len(mine) - 1}/*"})

    async def _change(self, request: Request) -> Response:
        """An order's status; only the key that passes row-level security by may set it."""
        if request.headers.get("authorization") != f"Bearer {self.anon_key('service_role')}":
            return JSONResponse([])
        order = int(request.query_params["id"].removeprefix("eq."))
        if order not in self.orders:
            return JSONResponse([])
        self.orders[order] = (await request.json())["status"]
        return JSONResponse([{"id": order, "status": self.orders[order]}])

    async def _insert(
        self, request: Request, table: str, claims: dict[str, Any] | None
    ) -> Response:
        if claims is None:
            refused = {"code": "42501", "message": "new row violates row-level security policy"}
            return JSONResponse(refused, 401)
        asked = await request.json()
        rows = [{"id": len(self.rows) + 1, **row} for row in _listed(asked)]
        self.rows += [{"table": table, "owner": claims["sub"], "row": row} for row in rows]
        if "return=representation" not in request.headers.get("prefer", ""):
            return Response(status_code=201)
        single = "vnd.pgrst.object" in request.headers.get("accept", "")
        return JSONResponse(rows[0] if single else rows, 201)

    # Files.

    async def _object(self, request: Request) -> Response:
        path = request.path_params["path"]
        if request.method in {"POST", "PUT"}:
            if self._claims(request) is None:
                return JSONResponse({"statusCode": "403", "message": "Unauthorized"}, 400)
            kind = request.headers.get("content-type", "")
            self.objects[path] = (await request.body(), kind)
            return JSONResponse({"Key": path, "Id": str(uuid4())})
        is_public = path.startswith("public/")
        found = self.objects.get(path.removeprefix("public/"))
        if found is None or not (is_public or self._claims(request)):
            return JSONResponse({"statusCode": "404", "message": "Object not found"}, 400)
        return Response(found[0], media_type=found[1])

    async def _sign(self, request: Request) -> Response:
        path = request.path_params["path"]
        if request.method == "POST":
            if self._claims(request) is None:
                return JSONResponse({"statusCode": "403", "message": "Unauthorized"}, 400)
            token = secrets.token_urlsafe(12)
            self.signed[token] = path
            return JSONResponse({"signedURL": f"/object/sign/{path}?token={token}"})
        if self.signed.get(request.query_params.get("token", "")) != path:
            return JSONResponse({"statusCode": "400", "message": "Invalid JWT"}, 400)
        return Response(self.objects[path][0], media_type=self.objects[path][1])

    # Functions: this one asks nobody who calls, as so many do.

    async def _function(self, request: Request) -> Response:
        self.calls.append(f"{request.method} {request.url.path}")
        claims = self._claims(request)
        told = {
            "function": request.path_params["name"],
            "body": json.loads(await request.body() or b"null"),
            "caller": claims and claims["email"],
        }
        return JSONResponse(told)

    # Realtime.

    async def _socket(self, socket: WebSocket) -> None:
        if "apikey" not in socket.query_params or socket.query_params.get("vsn") != "2.0.0":
            await socket.close(4000)
            return
        await socket.accept()
        try:
            while True:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    break
                if (data := message.get("bytes")) is not None:
                    await self._pushed(socket, data)
                else:
                    await self._message(socket, json.loads(message["text"]))
        except WebSocketDisconnect:
            pass
        for members in self.channels.values():
            members[:] = [member for member in members if member[0] is not socket]

    async def _message(self, socket: WebSocket, message: list[Any]) -> None:
        joined, ref, topic, event, payload = message
        if event == "phx_join":
            self.channels.setdefault(topic, []).append((socket, joined))
            self.calls.append(f"join {topic} {'user' if payload.get('access_token') else 'nobody'}")
        if event == "phx_leave":
            members = self.channels.get(topic, [])
            members[:] = [member for member in members if member[0] is not socket]
        if ref is not None:
            reply = {"status": "ok", "response": {"postgres_changes": []}}
            await socket.send_text(json.dumps([joined, ref, topic, "phx_reply", reply]))

    async def _pushed(self, socket: WebSocket, data: bytes) -> None:
        """A client's broadcast: kind 3 with six lengths, then the names, then the payload."""
        kind, *sizes, encoding = struct.unpack_from("7B", data)
        assert kind == PUSHED
        parts, at = [], 7
        for size in sizes:
            parts.append(data[at : at + size])
            at += size
        _, ref, topic, event, _ = parts
        head = struct.pack("5B", BROADCAST, len(topic), len(event), 0, encoding)
        for other, _ in self.channels.get(topic.decode(), []):
            if other is not socket:
                await other.send_bytes(head + topic + event + data[at:])
        if ref:
            reply = json.dumps([None, ref.decode(), topic.decode(), "phx_reply",
                                {"status": "ok", "response": {}}])  # fmt: skip
            await socket.send_text(reply)

    async def _broadcast_over_http(self, request: Request) -> Response:
        if self._claims(request) is None:
            return JSONResponse({"message": "Unauthorized"}, 401)
        for message in (await request.json())["messages"]:
            topic = f"realtime:{message['topic']}"
            payload = {
                "type": "broadcast",
                "event": message["event"],
                "payload": message["payload"],
            }
            for socket, joined in self.channels.get(topic, []):
                await socket.send_text(json.dumps([joined, None, topic, "broadcast", payload]))
        return Response(status_code=202)


def _user(email: str, subject: str) -> dict[str, Any]:
    return {
        "id": subject, "aud": "authenticated", "role": "authenticated", "email": email,
        "app_metadata": {}, "user_metadata": {}, "created_at": "2026-01-01T00:00:00Z",
    }  # fmt: skip


def _listed(asked: Any) -> list[dict[str, Any]]:
    return asked if isinstance(asked, list) else [asked]


def unsigned(claims: dict[str, Any]) -> str:
    """A token that nobody signed."""

    def part(value: Any) -> str:
        return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}."
