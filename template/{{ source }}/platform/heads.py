"""How much may come beside the bodies of requests (CWE-770), and what is said of malformed ones.

Uvicorn keeps whatever headers and trailers somebody sends, until the memory is full. What is no
request at all never reaches the application, so its answer is made here.
"""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from .problems import problem_response

MAX_BYTES = 64 * 1024


class BoundedHeadProtocol(HttpToolsProtocol):
    """Hangs up on a head, a trailer or an extension of a chunk that does not end.

    What arrived together with the end of a body, or with the beginning of a request, is not
    counted: a read more or less does no harm.
    """

    _beside = 0

    def data_received(self, data: bytes) -> None:
        self._beside += len(data)
        super().data_received(data)
        if self._beside > MAX_BYTES and not self.transport.is_closing():
            self.send_400_response("Too much before or after the body.")

    def send_400_response(self, msg: str) -> None:
        answer = problem_response(400, "malformed-request", msg, headers={"Connection": "close"})
        headers = (*self.server_state.default_headers, *answer.raw_headers)
        head = b"".join(b"%b: %b\r\n" % header for header in headers)
        self.transport.write(STATUS_LINE[400] + head + b"\r\n" + bytes(answer.body))
        self.transport.close()

    def on_message_begin(self) -> None:
        self._beside = 0
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        self._beside = 0
        super().on_body(body)
