"""Casts of TypeScript: what is cast is what it was."""

import re

_CAST_THEN_CALLED = re.compile(
    r"(\(\s*)((?:await\s+)?[\w$.]+(?:\(\s*(?:[\"'`]\w+[\"'`])?\s*\))?)(\s+as\s+any\s*\))(?=\s*[.?])"
)
_CAST_THEN_READ = re.compile(
    r"(?<![\w$)\]>])(\(\s*)([\w$]+(?:\??\.[\w$]+)*)"
    r"((?:\s+as\s+[\w$.]+(?:<[^<>()]*>)?(?:\[\])?)+\s*\))(?=[!?]?\.)"
)
_CAST = re.compile(r"(?<=[\w$)}\]])\s+as\s+any\b(?:\[\])?(?=\s*[),;\]}])")


def uncast(text: str) -> str:
    """`(db.from("orders") as any).update({ … } as any)` with blanks for the casts: they change
    nothing of what is done. `(req as any).user` is `req.user` as well, so the name goes where its
    member follows; each offset but the name's own stays what it was."""
    if " as " not in text and " as\n" not in text and "as any\n" not in text:
        return text
    text = _CAST_THEN_READ.sub(lambda one: hidden(one[1] + one[3]) + one[2], text)
    text = _CAST_THEN_CALLED.sub(lambda one: hidden(one[1]) + one[2] + hidden(one[3]), text)
    return _CAST.sub(lambda one: hidden(one[0]), text)


def hidden(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
