"""fastapi-proxy-lib as its documentation has it: the ready-made way."""

import os
from typing import Any

from fastapi_proxy_lib.fastapi.app import reverse_http_app


def create_app() -> Any:
    return reverse_http_app(base_url=f"{os.environ['UPSTREAM']}/")
