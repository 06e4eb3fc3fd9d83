"""Addresses that functions and policies name: whose account it is administers everything."""

import re
from collections.abc import Iterator

from ...engine.finding import Evidence, Finding, Place, Severity
from .functions import place
from .scene import Scene

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_ADDRESS = re.compile(r"'([\w.+-]+@[\w-]+\.[\w.]+)'")
_RULES = re.compile(r"admin|owner|super|staff|moderator", re.IGNORECASE)


def find(scene: Scene) -> Iterator[Finding]:
    found: dict[str, list[Place]] = {}
    for address, where in _named(scene):
        found.setdefault(address, []).append(where)
    for address, (first, *others) in found.items():
        yield Finding(
            "authz.hardcoded-principal",
            first,
            f"One account, written into the schema, is the administrator: {address}",
            Severity.MEDIUM,
            Evidence.EXACT,
            also=tuple(dict.fromkeys(others)),
        )


def _named(scene: Scene) -> Iterator[tuple[str, Place]]:
    for function in scene.relations.functions:
        address = _ADDRESS.search(_COMMENT.sub("", function.body))
        if address and _RULES.search(f"{function.name} {function.body}"):
            yield address[1], place(scene, function)
    for table in scene.relations.tables.values():
        for policy in table.policies:
            if address := _ADDRESS.search(policy.using + policy.check):
                yield address[1], scene.policy_places(table, [policy])[0]
