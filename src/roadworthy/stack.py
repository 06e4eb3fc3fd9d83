"""What a tree is made of: facts, each with the file that shows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Fact:
    name: str
    shown_by: str
    app: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Language:
    name: str
    files: int
    lines: int


@dataclass(frozen=True)
class App:
    """A folder with a manifest of its own; `root` is "" for the tree itself."""

    root: str
    manifests: tuple[str, ...]
    frameworks: tuple[str, ...]
    builder: str


@dataclass(frozen=True)
class Stack:
    apps: tuple[App, ...] = ()
    languages: tuple[Language, ...] = ()
    topics: Mapping[str, tuple[Fact, ...]] = field(default_factory=dict)

    def names(self, topic: str) -> list[str]:
        """What a topic holds, each name once."""
        return list(dict.fromkeys(fact.name for fact in self.topics.get(topic, ())))

    @property
    def lines(self) -> int:
        return sum(language.lines for language in self.languages)

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Stack":
        """Take what `guardrails.stack` printed; raises KeyError or TypeError for anything else."""
        return cls(
            apps=tuple(map(_app, content.get("apps", ()))),
            languages=tuple(Language(**entry) for entry in content.get("languages", ())),
            topics={
                topic: tuple(Fact(**fact) for fact in facts)
                for topic, facts in content.items()
                if topic not in {"apps", "languages"}
            },
        )


def _app(entry: Mapping[str, Any]) -> App:
    builder = entry["builder"]
    return App(
        root=entry["root"],
        manifests=tuple(entry["manifests"]),
        frameworks=tuple(entry["frameworks"]),
        builder=builder["name"] if builder else "",
    )
