"""The guard of Python services: who may call which route, and what breaks in production."""

from ...engine.guard import Looked
from ...engine.tree import Tree


def look(tree: Tree) -> Looked:
    if not any(tree.ending(".py")):
        return Looked([], facts={"python_routes": []})
    from .survey import survey  # noqa: PLC0415 - long to read, and for Python alone

    return survey(tree)
