import hashlib
import hmac
import os

from flask import abort


def check_signature(request):
    """What the wholesaler sent, if it was the wholesaler."""
    key = os.environ["WHOLESALER_KEY"].encode()
    expected = hmac.new(key, request.get_data(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, request.headers.get("X-Signature", "")):
        abort(400)
    return request.get_json()
