"""A small prototype that tells what reached it, and misbehaves on demand. Served by uvicorn."""

import asyncio
import hashlib
import json
from urllib.parse import parse_qs

CHUNK = b"x" * 65_536
seen = {"disconnects": 0, "started": 0, "lifespan": []}


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "websocket":
        await _socket(scope, receive, send)
    else:
        name = scope["path"].removeprefix("/base").split("/")[1].replace("-", "_")
        handle = globals().get(f"_serve_{name}", _serve_echo)
        await handle(scope, receive, send)


async def _lifespan(receive, send):
    for phase in ("startup", "shutdown"):
        await receive()
        seen["lifespan"].append(phase)
        await send({"type": f"lifespan.{phase}.complete"})


async def _answer(send, body=b"", status=200, headers=()):
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})


async def _body(receive):
    whole, more = b"", True
    while more:
        message = await receive()
        whole += message.get("body", b"")
        more = message.get("more_body", False)
    return whole


def _query(scope):
    return {key: values[0] for key, values in parse_qs(scope["query_string"].decode()).items()}


async def _serve_echo(scope, receive, send):
    body = await _body(receive)
    told = {
        "method": scope["method"],
        "raw_path": scope["raw_path"].decode(),
        "query": scope["query_string"].decode(),
        "headers": [[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]],
        "scheme": scope["scheme"],
        "client": list(scope["client"] or ()),
        "body": body.decode("latin-1"),
    }
    await _answer(send, json.dumps(told).encode(), headers=[(b"content-type", b"application/json")])


async def _serve_answer(scope, receive, send):
    """With the headers that the query names, and its status."""
    query = _query(scope)
    headers = [(n.encode(), v.encode()) for n, v in json.loads(query.get("headers", "[]"))]
    await _answer(send, b"as told", int(query.get("status", "200")), headers)


async def _serve_bare(scope, receive, send):
    """No body and no length of one, as 204 and 304 have it."""
    status = int(_query(scope)["status"])
    headers = [(b"content-length", b"7")] if status == 304 else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _serve_download(scope, receive, send):
    chunks = int(_query(scope)["chunks"])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(chunks):
        seen["started"] += 1
        await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _serve_upload(scope, receive, send):
    digest, size, more = hashlib.sha256(), 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            seen["disconnects"] += 1
            return
        digest.update(message.get("body", b""))
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await _answer(send, json.dumps({"size": size, "sha256": digest.hexdigest()}).encode())


async def _serve_early(scope, receive, send):
    """Answers before the body is read."""
    await _answer(send, b"no, thank you", 413)


async def _serve_sse(scope, receive, send):
    kind = (b"content-type", b"text/event-stream")
    await send({"type": "http.response.start", "status": 200, "headers": [kind]})
    watcher = asyncio.ensure_future(_until_disconnect(receive))
    number = 0
    while not watcher.done():
        event = f"id: {number}\ndata: tick\n\n".encode()
        await send({"type": "http.response.body", "body": event, "more_body": True})
        number += 1
        await asyncio.sleep(0.1)


async def _serve_silent(scope, receive, send):
    """Never answers."""
    await _until_disconnect(receive)


async def _serve_silent_stream(scope, receive, send):
    """Sends headers at once and then nothing."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await _until_disconnect(receive)


async def _until_disconnect(receive):
    while (await receive())["type"] != "http.disconnect":
        pass
    seen["disconnects"] += 1


async def _serve_torn(scope, receive, send):
    """Promises ten bytes, sends four and falls over."""
    length = (b"content-length", b"10")
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": b"four", "more_body": True})


async def _serve_failing(scope, receive, send):
    raise RuntimeError("the prototype has a bug")


async def _serve_seen(scope, receive, send):
    await _answer(send, json.dumps(seen).encode())


async def _socket(scope, receive, send):
    await receive()
    if scope["path"].endswith("/refused"):
        await send({"type": "websocket.http.response.start", "status": 401, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b""})
        return
    protocols = scope["subprotocols"]
    await send(
        {
            "type": "websocket.accept",
            "subprotocol": protocols[-1] if protocols else None,
            "headers": [(b"set-cookie", b"seat=7; Path=/")],
        }
    )
    headers = [[name.decode(), value.decode()] for name, value in scope["headers"]]
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            seen["closed"] = [message.get("code"), message.get("reason")]
            return
        text = message.get("text")
        if text == "headers":
            await send({"type": "websocket.send", "text": json.dumps(headers)})
        elif text == "query":
            await send({"type": "websocket.send", "text": scope["query_string"].decode()})
        elif text and text.startswith("close "):
            code = int(text.split()[1])
            await send({"type": "websocket.close", "code": code, "reason": "as told"})
            return
        else:
            await send(
                {key: message[key] for key in ("text", "bytes") if message.get(key)}
                | {"type": "websocket.send"}
            )
