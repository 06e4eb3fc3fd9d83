"""Layers that the imports keep to already, in the order in which parts are usually stacked."""

from collections import Counter
from collections.abc import Iterator

from ..code import Code
from ..contracts import Contract, Layers
from ..globs import matching
from .model import Proposal, proposed
from .roles import Base, Part

_CONFLICT = 0.2
_MOST_BROKEN = 0.1

Stack = list[list[Part]]
Traffic = Counter[tuple[int, int]]


def layers(code: Code, base: Base) -> Iterator[Proposal]:
    """The stack of the base's parts, less those that don't keep to any order."""
    stack = _stacked(base)
    while len(stack) > 1:
        traffic = _traffic(code, stack)
        worst = _worst(traffic)
        if worst is None:
            yield from _if_kept(code, base, stack, traffic)
            return
        _settle(stack, worst, traffic)


def _stacked(base: Base) -> Stack:
    ranks: dict[int, list[Part]] = {}
    for part in base.parts:
        ranks.setdefault(part.rank, []).append(part)
    return [ranks[rank] for rank in sorted(ranks)]


def _traffic(code: Code, stack: Stack) -> Traffic:
    """How many imports go from which layer to which."""
    level: dict[str, int] = {}
    for number, layer in enumerate(stack):
        for path in matching((part.glob for part in layer), code.texts):
            level.setdefault(path, number)
    return Counter(
        (level[entry.source], level[entry.target])
        for entry in code.references
        if entry.source in level
        and entry.target in level
        and level[entry.source] != level[entry.target]
    )


def _worst(traffic: Traffic) -> tuple[int, int] | None:
    """The pair of layers, the upper first, that is least of a pair of layers."""
    conflicts = [
        (count, upper, lower)
        for (lower, upper), count in traffic.items()
        if lower > upper and count > _CONFLICT * (count + traffic[upper, lower])
    ]
    if not conflicts:
        return None
    _, upper, lower = max(conflicts, key=lambda entry: (entry[0], -entry[1], -entry[2]))
    return upper, lower


def _settle(stack: Stack, worst: tuple[int, int], traffic: Traffic) -> None:
    """Neighbours become one layer; of others the one with the less traffic is left out."""
    upper, lower = worst
    if lower == upper + 1:
        stack[upper] = [*stack[upper], *stack.pop(lower)]
        return
    weight = {
        layer: sum(count for pair, count in traffic.items() if layer in pair) for layer in worst
    }
    stack.pop(upper if weight[upper] < weight[lower] else lower)


def _if_kept(code: Code, base: Base, stack: Stack, traffic: Traffic) -> Iterator[Proposal]:
    upward = sum(count for (source, target), count in traffic.items() if source > target)
    if not traffic or upward > _MOST_BROKEN * traffic.total():
        return
    terms = Layers(tuple(tuple(part.glob for part in layer) for layer in stack))
    top, bottom = stack[0][0].name, stack[-1][-1].name
    where = f" in {base.folder.rstrip('/')}" if base.folder else ""
    contract = Contract(f"Imports go down{where}, from {top} to {bottom}", "layers", terms)
    yield proposed(
        code, contract, "A part below can be tested and reused without any of those above it."
    )
