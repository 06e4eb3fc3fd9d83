"""The guard of Python services: who may call which route, and what breaks in production."""

from collections.abc import Mapping
from typing import Any

from ...engine.guard import Looked
from ...engine.tree import Tree
from ..idle import quieter
from ..web_paths import nature, patterns
from . import (
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
from .access import Gatekeeper
from .django import DjangoRoutes
from .modules import read
from .routes import Route, RouteTable
from .walls import judge


def look(tree: Tree) -> Looked:
    project, missed = read(tree)
    table = RouteTable(project)
    keeper = Gatekeeper(project)
    table.routes += DjangoRoutes(project, keeper).routes()
    judge(table, keeper)
    findings = [
        *holes.look(table, keeper),
        *webhooks.look(table, keeper),
        *credentials.look(table, keeper),
        *tokens.look(project),
        *revisions.look(tree),
        *crypto.look(table),
        *configuration.look(table),
        *inputs.look(table, keeper),
        *persistence.look(table),
        *operations.look(table, keeper),
        *layout.look(table),
    ]
    facts = {"python_routes": [_fact(route) for route in table.routes]}
    return Looked(quieter(findings, table.unstarted(tree)), missed, facts)


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
