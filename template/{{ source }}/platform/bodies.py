"""JSON as it may be sent: UTF-8, and text that is text (RFC 8259, 8.1 and 8.2)."""

import json
import re
from typing import Any

from fastapi import Request

_PERHAPS_HALF = re.compile(rb"\\u[dD][89a-fA-F]")


class JsonRequest(Request):
    """Refuses what Python's parser lets through: half of a surrogate pair is in no encoding, so
    that whoever hashes, stores or sends it fails (CWE-176).
    """

    async def json(self) -> Any:
        body = await self.body()
        try:
            value = json.loads(body.decode("utf-8-sig"))
            if _PERHAPS_HALF.search(body):
                json.dumps(value, ensure_ascii=False).encode()
        except UnicodeError as error:
            raise json.JSONDecodeError("this is no UTF-8", "", 0) from error
        return value
