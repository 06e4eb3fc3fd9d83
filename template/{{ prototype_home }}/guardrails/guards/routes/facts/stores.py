"""What is written to, and is no store of the application's: memory, headers, a provider."""

import re

from .source import Module

_COOKIES_NOW = re.compile(r"\(\s*await\s+cookies\(\s*\)\s*\)\s*$")


def in_memory(module: Module, before: str) -> bool:
    receiver = re.search(r"([\w$]{1,60})\s*(?:\.\w+\()?$", before)
    made = r"\b{}\b[^=\n]{{0,80}}=\s*new\s+(?:Map|Set|WeakMap)\b"
    return receiver is not None and bool(
        re.search(made.format(re.escape(receiver[1])), module.code)
    )


def harmless(before: str, matched: str) -> bool:
    """Writes to what is no store: headers, cookies, maps, hashes, provider objects."""
    receiver = re.search(r"([\w$]+(?:\([^()]*\))?)\s*$", before)
    last = receiver[1] if receiver else ""
    if re.match(r"(?i)cookie\w*\.", matched) or _COOKIES_NOW.search(before):
        return True
    if matched.startswith((".create(", ".update(", ".delete(", ".remove(")):
        return (
            re.search(
                r"createH|hash|hmac|headers|cookie\w*|sessions|completions|messages|speech|embeddings"
                r"|transcriptions|translations|moderations|responses|images$"
                r"|paymentIntents|customers|customer"
                r"|intents|prices|products?$|Map$|cache|axios|messages|params|Set$|refunds"
                r"|accountLinks|accounts",
                last,
            )
            is not None
            and "prisma" not in before[-60:]
            and "db." not in before[-40:]
        )
    return False
