"""All parts of the guard of Python, on one table of routes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ...engine.finding import Finding, NotLooked
from ...engine.guard import Looked
from ...engine.rules import load
from ...engine.tree import Tree
from ..idle import quieter
from ..web_paths import nature, patterns
from .facts.access import Gatekeeper
from .facts.django import DjangoRoutes
from .facts.modules import read
from .facts.routes import Route, RouteTable
from .facts.walls import judge
from .faults import (
    configuration,
    credentials,
    crypto,
    holes,
    inputs,
    layout,
    operations,
    persistence,
    revisions,
    tokens,
    webhooks,
)

_STUMBLES = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def survey(tree: Tree) -> Looked:
    project, missed = read(tree)
    table = RouteTable(project)
    keeper = Gatekeeper(project)
    table.routes += DjangoRoutes(project, keeper).routes()
    judge(table, keeper)
    parts = {
        "holes": lambda: holes.look(table, keeper),
        "webhooks": lambda: webhooks.look(table, keeper),
        "credentials": lambda: credentials.look(table, keeper),
        "tokens": lambda: tokens.look(project),
        "revisions": lambda: revisions.look(tree),
        "crypto": lambda: crypto.look(table),
        "configuration": lambda: configuration.look(table),
        "inputs": lambda: inputs.look(table, keeper),
        "persistence": lambda: persistence.look(table),
        "operations": lambda: operations.look(table, keeper),
        "layout": lambda: layout.look(table),
    }
    told = list(_told(parts))
    findings = [one for one in told if isinstance(one, Finding)]
    stopped = [one for one in told if isinstance(one, NotLooked)]
    facts: dict[str, Any] = {"python_routes": [_fact(route) for route in table.routes]}
    if stopped:  # A check must not pass for want of a part; what the others found is told.
        facts["broken"] = "; ".join(f"{one.what} {one.why}" for one in stopped)
    return Looked(quieter(findings, table.unstarted(tree)), [*missed, *stopped], facts)


def _told(
    parts: Mapping[str, Callable[[], Iterable[Finding]]],
) -> Iterator[Finding | NotLooked]:
    """What each part finds. One that some file makes stumble takes nothing from the others."""
    for name, look_ in parts.items():
        try:
            yield from list(look_())
        except _STUMBLES as why:
            rules = tuple(rule.id for rule in load().values() if "python" in rule.guards)
            yield NotLooked(f"python: {name}", f"it stopped with {type(why).__name__}", rules)


def _fact(route: Route) -> Mapping[str, Any]:
    return {
        "method": route.method,
        "path": route.path,
        "patterns": list(patterns(route.path)),
        "file": route.module.path,
        "line": route.line,
        "kind": route.kind,
        "name": route.function.name,
        "served": route.served,
        "access": route.access,
        "why": route.why,
        "nature": nature(route.path),
        "inside": route.before == "public",
    }
