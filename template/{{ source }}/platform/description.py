"""What the OpenAPI description says beyond what FastAPI finds out: what clients are made from."""

from typing import Any, Final

INSISTED_ON: Final = {"x-insisted-on": True}
"""`json_schema_extra` of a header without which the service refuses with an answer of its own.

To FastAPI such a header is optional, and to a client that was made from its description, too.
"""


def insist(described: dict[str, Any]) -> dict[str, Any]:
    """The same description, in which headers that are INSISTED_ON are required."""
    for path in described.get("paths", {}).values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                if parameter["schema"].pop("x-insisted-on", False):
                    parameter["required"] = True
                    parameter["schema"] = _stated(parameter["schema"])
    return described


def _stated(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without null."""
    (stated,) = (kind for kind in schema.pop("anyOf") if kind != {"type": "null"})
    return {**schema, **stated}
