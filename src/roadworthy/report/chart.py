"""The map of the code, laid out: modules in columns by who needs whom, and arrows between them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from math import log10
from typing import Any

_MOST = 24
"""More modules than this are no picture any more: the largest, and all at a broken boundary."""
_WIDTH, _GAP_X, _GAP_Y, _MARGIN = 184, 44, 18, 12
_STAGGER = 30
"""Every other column stands lower, so that arrows to farther columns pass beside it."""


@dataclass(frozen=True)
class Box:
    id: str
    files: int
    lines: int
    x: float
    y: float
    height: float
    width: float = _WIDTH


@dataclass(frozen=True)
class Arrow:
    source: str
    target: str
    count: int
    breaks: str
    path: str
    weight: float


@dataclass(frozen=True)
class Chart:
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    left_out: int
    width: float
    height: float

    @property
    def broken(self) -> list[Arrow]:
        return [arrow for arrow in self.arrows if arrow.breaks]


def chart(modules: Any) -> Chart | None:
    """Lay out the modules that the structure guard found; None when there are none."""
    if not isinstance(modules, Mapping) or not modules.get("nodes"):
        return None
    edges = [edge for edge in modules.get("edges", ()) if edge["from"] != edge["to"]]
    nodes = _chosen(list(modules["nodes"]), edges)
    ids = {node["id"] for node in nodes}
    kept = [edge for edge in edges if edge["from"] in ids and edge["to"] in ids]
    boxes = _boxes(nodes, _columns([node["id"] for node in nodes], kept))
    above = _MARGIN - min(box.y for box in boxes.values())
    boxes = {name: replace(box, y=box.y + above) for name, box in boxes.items()}
    return Chart(
        boxes=tuple(boxes.values()),
        arrows=tuple(_arrow(edge, boxes) for edge in sorted(kept, key=_is_broken)),
        left_out=len(modules["nodes"]) - len(nodes),
        width=max(box.x + box.width for box in boxes.values()) + _MARGIN,
        height=max(box.y + box.height for box in boxes.values()) + _MARGIN,
    )


def _is_broken(edge: Mapping[str, Any]) -> bool:
    return bool(edge.get("broken"))


def _chosen(
    nodes: list[Mapping[str, Any]], edges: list[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    at_fault = {edge[end] for edge in edges if _is_broken(edge) for end in ("from", "to")}
    ranked = sorted(nodes, key=lambda node: (node["id"] not in at_fault, -node["lines"]))
    return ranked[:_MOST]


def _columns(ids: list[str], edges: list[Mapping[str, Any]]) -> list[list[str]]:
    """Who needs others stands left of them; arrows of a cycle that point back are let be."""
    needs = {name: [edge["to"] for edge in edges if edge["from"] == name] for name in ids}
    depth: dict[str, int] = {}

    def place(name: str, seen: frozenset[str]) -> int:
        if name not in depth:
            below = [place(it, seen | {name}) for it in needs[name] if it not in seen]
            depth[name] = max(below, default=-1) + 1
        return depth[name]

    for name in ids:
        place(name, frozenset({name}))
    deepest = max(depth.values())
    columns: list[list[str]] = [[] for _ in range(deepest + 1)]
    for name in ids:
        columns[deepest - depth[name]].append(name)
    return _untangled([column for column in columns if column], edges)


def _untangled(columns: list[list[str]], edges: list[Mapping[str, Any]]) -> list[list[str]]:
    """Each module near the height of those that need it: fewer arrows cross (barycentre)."""
    for left, right in pairwise(columns):
        height = {name: index for index, name in enumerate(left)}

        def middle(name: str, height: dict[str, int] = height) -> float:
            above = [
                height[it["from"]] for it in edges if it["to"] == name and it["from"] in height
            ]
            return sum(above) / len(above) if above else len(height)

        right.sort(key=middle)
    return columns


def _boxes(nodes: list[Mapping[str, Any]], columns: list[list[str]]) -> dict[str, Box]:
    by_id = {node["id"]: node for node in nodes}
    heights = {name: 38 + 9 * log10(max(node["lines"], 1)) for name, node in by_id.items()}
    tallest = max(sum(heights[name] + _GAP_Y for name in column) for column in columns)
    boxes = {}
    for at, column in enumerate(columns):
        free = tallest - sum(heights[name] + _GAP_Y for name in column)
        y = _MARGIN + free / 2 + (_STAGGER if at % 2 else -_STAGGER if free > _STAGGER else 0)
        for name in column:
            node = by_id[name]
            x = _MARGIN + at * (_WIDTH + _GAP_X)
            boxes[name] = Box(name, node["files"], node["lines"], x, round(y, 1), heights[name])
            y += heights[name] + _GAP_Y
    return boxes


def _arrow(edge: Mapping[str, Any], boxes: Mapping[str, Box]) -> Arrow:
    start, end = boxes[edge["from"]], boxes[edge["to"]]
    y1, y2 = start.y + start.height / 2, end.y + end.height / 2
    if end.x > start.x:
        x1, x2 = start.x + start.width, end.x - 7
        bend1, bend2 = (x2 - x1) * 0.4, (x1 - x2) * 0.4
    elif end.x < start.x:
        x1, x2 = start.x, end.x + end.width + 7
        bend1, bend2 = (x2 - x1) * 0.4, (x1 - x2) * 0.4
    else:
        x1, x2, bend1, bend2 = start.x + start.width, end.x + end.width + 7, 60, 60
    points = (x1, y1), (x1 + bend1, y1), (x2 + bend2, y2), (x2, y2)
    first, *others = (f"{x:.0f} {y:.0f}" for x, y in points)
    return Arrow(
        source=edge["from"],
        target=edge["to"],
        count=edge["count"],
        breaks=str(edge.get("why") or "breaks a boundary") if _is_broken(edge) else "",
        path=f"M{first}C{' '.join(others)}",
        weight=round(1 + min(log10(max(edge["count"], 1)), 2) * 1.2, 1),
    )
