"""Who a line of the gate table lets through."""

import re
from dataclasses import dataclass
from typing import Literal

from ..callers.caller import Caller
from ..callers.claims import claim

_NAME = re.compile(r"[A-Za-z0-9_.:@/-]+")
Kind = Literal["public", "authenticated", "nobody", "role", "claim"]
_PLAIN: dict[str, Kind] = {
    "public": "public", "authenticated": "authenticated", "nobody": "nobody",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """`public`, `authenticated`, `nobody`, `role:NAME` or `claim:PATH=VALUE`."""

    kind: Kind
    name: str = ""
    value: str = ""

    def __str__(self) -> str:
        match self.kind:
            case "role":
                return f"role:{self.name}"
            case "claim":
                return f"claim:{self.name}={self.value}"
        return self.kind

    def admits(self, caller: Caller | None) -> bool:
        if self.kind == "public":
            return True
        if caller is None or self.kind == "nobody":
            return False
        match self.kind:
            case "role":
                return self.name in caller.roles
            case "claim":
                return _says(claim(caller.claims, self.name), self.value)
        return True


def rule_of(text: str) -> Rule:
    """Read a rule.

    Raises:
        ValueError: it is none.
    """
    if text in _PLAIN:
        return Rule(_PLAIN[text])
    kind, colon, rest = text.partition(":")
    if kind == "role" and _NAME.fullmatch(rest):
        return Rule("role", rest)
    name, equals, value = rest.partition("=")
    if kind == "claim" and colon and equals and _NAME.fullmatch(name) and value:
        return Rule("claim", name, value)
    raise ValueError(
        f'{text!r} is no rule: write "public", "authenticated", "nobody", "role:NAME" or '
        '"claim:PATH=VALUE"'
    )


def _says(found: object, wanted: str) -> bool:
    values = found if isinstance(found, list) else [found]
    return any(_text(value) == wanted for value in values)


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None
