"""Alembic's revisions: whether each follows one that is there, and one of them is the last."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ....engine.finding import Evidence, Finding, Place, Severity
from ....engine.tree import Tree

_VERSIONS = re.compile(r"(^|/)versions/[^/]+\.py$")
_OWN = re.compile(r"^revision\b[^=\n]*=\s*[\"']([^\"']+)[\"']", re.MULTILINE)
_BEFORE = re.compile(r"^down_revision\b[^=\n]*=\s*(None|[(\[][^)\]]*|[\"'][^\n]*)", re.MULTILINE)
_LABELLED = re.compile(r"^branch_labels\b[^=\n]*=\s*[\"'(]", re.MULTILINE)
_NAME = re.compile(r"[\"']([^\"']+)[\"']")


@dataclass(frozen=True)
class _Revision:
    path: str
    line: int
    name: str
    before: tuple[str, ...]
    text: str

    @property
    def place(self) -> Place:
        return Place(self.path, self.line)


def look(tree: Tree) -> Iterator[Finding]:
    chains: dict[str, list[_Revision]] = defaultdict(list)
    for path in tree.ending(".py"):
        if _VERSIONS.search(path) and (one := _read(path, tree.text(path) or "")):
            chains[path.rpartition("/")[0]].append(one)
    names = {one.name for chain in chains.values() for one in chain}
    for chain in chains.values():
        yield from _broken(chain, names)


def _read(path: str, text: str) -> _Revision | None:
    own, before = _OWN.search(text), _BEFORE.search(text)
    if own is None or before is None:
        return None
    line = text.count("\n", 0, before.start()) + 1
    return _Revision(path, line, own[1], tuple(_NAME.findall(before[1])), text)


def _broken(chain: list[_Revision], names: set[str]) -> Iterator[Finding]:
    for one in chain:
        if missing := [name for name in one.before if name not in names]:
            yield Finding(
                "migrations.not-replayable", one.place,
                f"It follows revision {missing[0]}, of which there is no file: no database can be "
                "brought up to date.",
                evidence=Evidence.EXACT, severity=Severity.HIGH,
            )  # fmt: skip
            return
    followed = {name for one in chain for name in one.before}
    last = sorted((one for one in chain if one.name not in followed), key=lambda one: one.path)
    if len(last) > 1 and not any(_LABELLED.search(one.text) for one in chain):
        yield Finding(
            "migrations.collision", last[0].place,
            f"{len(last)} revisions are the last ones: `alembic upgrade head` refuses to choose.",
            evidence=Evidence.EXACT, severity=Severity.HIGH,
            also=tuple(one.place for one in last[1:]),
        )  # fmt: skip
