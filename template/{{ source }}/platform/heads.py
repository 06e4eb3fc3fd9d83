"""How much may come beside the bodies of requests (CWE-770).

Uvicorn keeps whatever headers and trailers somebody sends, until the memory is full.
"""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

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

    def on_message_begin(self) -> None:
        self._beside = 0
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        self._beside = 0
        super().on_body(body)
