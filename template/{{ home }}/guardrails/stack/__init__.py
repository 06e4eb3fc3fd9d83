"""What a tree is made of: facts, each with the file that shows it, for the report and the guards.

Nothing is guessed from one app to another: a repository often holds several, so each fact says
in which folder it was seen.
"""

from typing import Any

from ..engine.tree import Tree
from .apps import App, find_apps
from .entries import entries
from .languages import languages
from .signs import TOPICS, Fact, signs

__all__ = ["recognise"]


def recognise(tree: Tree) -> dict[str, Any]:
    """The stack as JSON: `apps`, `languages`, and a list of facts for each of `TOPICS`."""
    apps = find_apps(tree)
    facts = _distinct([*signs(tree, apps), *entries(tree, apps)])
    topics = {topic: [fact.as_json() for fact in facts if fact.topic == topic] for topic in TOPICS}
    return {
        "apps": [_app(app, facts) for app in apps],
        "languages": languages(tree),
        **topics,
    }


def _app(app: App, facts: list[Fact]) -> dict[str, Any]:
    mine = [fact for fact in facts if fact.app == app.root]
    return {
        "root": app.root,
        "manifests": list(app.manifests),
        "builder": next((fact.as_json() for fact in mine if fact.topic == "builder"), None),
        "frameworks": [fact.name for fact in mine if fact.topic == "frameworks"],
    }


def _distinct(facts: list[Fact]) -> list[Fact]:
    """One fact of a name in an app, with the first file that shows it."""
    first: dict[tuple[str, str, str], Fact] = {}
    for fact in facts:
        first.setdefault((fact.topic, fact.app, fact.name), fact)
    return list(first.values())
