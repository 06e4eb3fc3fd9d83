"""The values that somebody would give a column of their own row, if nothing stopped them."""

import re
from collections.abc import Mapping
from typing import Any

from .relations import Column, Table
from .scene import Scene
from .seeding import VICTIM, text
from .values import MIGHTY, candidates

ACTIVE = (
    "active",
    "paid",
    "approved",
    "verified",
    "accepted",
    "granted",
    "aprovado",
    "aprobado",
    "aceptada",
    "disetujui",
    "premium",
    "pro",
    "enterprise",
    "completed",
    "ativo",
    "activo",
)
SETTLED = (
    "succeeded",
    "success",
    "successful",
    "captured",
    "settled",
    "released",
    "confirmed",
    "processed",
    "delivered",
    "lunas",
    "pago",
    "pagado",
    "payé",
    "liberado",
    "concluido",
    "completado",
)
_REFUSED = re.compile(r"bann|block|suspend")


def wanted(
    scene: Scene, table: Table, column: Column, kind: str, present: Mapping[str, Any]
) -> list[str]:
    """Values worth having that differ from the present one."""
    if column.category == "B":
        found = ["false" if _REFUSED.search(column.name) else "true"]
    elif column.category == "N":
        found = ["100", "5", "1"]
    elif kind == "tenant" or table.reference(column.name):
        theirs = _victims(scene, table, column)
        found = [theirs] if theirs else []
    elif column.category == "D":
        found = ["2099-01-01"]
    else:
        found = _words(table, column, kind)
    return [value for value in found if not is_value(column, present.get(column.name), value)]


def is_value(column: Column, stored: Any, value: str) -> bool:
    """Whether the database holds it, in whatever form it writes that."""
    if stored is None:
        return False
    written = text(stored) or ""
    if column.category == "D":
        return written[:10] == value
    if column.category == "N":
        return float(written) == float(value)
    return written == value


def _victims(scene: Scene, table: Table, column: Column) -> str | None:
    """The value that leads to the victim's organisation."""
    reference = table.reference(column.name)
    if reference is None:
        return VICTIM.uid if column.base == "uuid" else None
    parent = scene.seeded.row(reference.target, VICTIM)
    at = reference.columns.index(column.name)
    return text(parent.values.get(reference.target_columns[at])) if parent else None


def _words(table: Table, column: Column, kind: str) -> list[str]:
    known = [value for value in candidates(table, column, "", 0) if " " not in value]
    fixed = bool(column.labels) or any(column.name in check for _, check in table.checks)
    if kind == "control":
        mighty = [value for value in known if MIGHTY.search(value)]
        return mighty if fixed else ["admin"]
    if not fixed:
        return [_FREE.get(kind, "premium")]
    better = [value for value in (*ACTIVE, *SETTLED) if value in known]
    return better or ([] if kind in _FREE else known[::-1][:2])


_FREE = {"payment": "paid", "approval": "approved", "answer": "approved", "identity": "verified"}
"""What is asked for where nothing says which words there are."""
