import hashlib
import hmac

from fastapi import HTTPException, Request

from .settings import PAYMENTS_KEY


async def signed_body(request: Request) -> bytes:
    """The body of a message that the payment provider signed."""
    body = await request.body()
    expected = hmac.new(PAYMENTS_KEY.encode(), body, hashlib.sha256).hexdigest()
    if not PAYMENTS_KEY or not hmac.compare_digest(
        expected, request.headers.get("x-payments-signature", "")
    ):
        raise HTTPException(status_code=400, detail="Not signed")
    return body
