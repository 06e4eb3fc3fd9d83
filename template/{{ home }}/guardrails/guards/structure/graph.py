"""The graph of imports: its cycles, and the map of modules that a reader can take in."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...engine.finding import Evidence, Finding, Place, Severity
from .boundaries import crossing
from .imports import Import

_SHOWN = 5
_LARGE = 4
_MOST_NODES = 24
_SHARE = 0.3
_DEEPEST = 4


def cycles(edges: Iterable[Import]) -> Iterator[Finding]:
    """One finding for each set of files that need each other while they are loaded."""
    needs: dict[str, dict[str, Import]] = defaultdict(dict)
    for edge in edges:
        if edge.eager and not within_package(edge.source, edge.target):
            needs[edge.source].setdefault(edge.target, edge)
    for group in components({source: list(targets) for source, targets in needs.items()}):
        members = set(group)
        ring = _ring(min(members), members, needs)
        places = [
            Place(source, needs[source][target].line)
            for source, target in zip(ring, (*ring[1:], ring[0]), strict=True)
        ]
        shown = " → ".join((*ring[:_SHOWN], *(["…"] if len(ring) > _SHOWN else []), ring[0]))
        yield Finding(
            "arch.cycle",
            places[0],
            f"{len(members)} files need each other: {shown}.",
            severity=Severity.MEDIUM if len(members) >= _LARGE else Severity.LOW,
            evidence=Evidence.EXACT,
            also=tuple(places[1:20]),
        )


def within_package(source: str, target: str) -> bool:
    """A package's `__init__` and its own modules: Python loads these in order."""
    for one, other in ((source, target), (target, source)):
        if one.endswith("/__init__.py") and other.startswith(one.removesuffix("__init__.py")):
            return True
    return False


def _ring(
    start: str, members: set[str], needs: Mapping[str, Mapping[str, Import]]
) -> tuple[str, ...]:
    """The shortest way from the start back to it."""
    before: dict[str, str] = {}
    queue = [start]
    for node in queue:
        for target in needs[node]:
            if target == start:
                ring = [node]
                while ring[-1] != start:
                    ring.append(before[ring[-1]])
                return tuple(reversed(ring))
            if target in members and target not in before:
                before[target] = node
                queue.append(target)
    return (start,)


def components(needs: Mapping[str, list[str]]) -> Iterator[list[str]]:
    """Strongly connected components of two or more (Kosaraju, without recursion)."""
    backwards: dict[str, list[str]] = defaultdict(list)
    for source, targets in needs.items():
        for target in targets:
            backwards[target].append(source)
    seen: set[str] = set()
    finished: list[str] = []
    for root in sorted(needs):
        finished += _walked(root, needs, seen)
    seen = set()
    for root in reversed(finished):
        group = _walked(root, backwards, seen)
        if len(group) > 1:
            yield group


def _walked(root: str, needs: Mapping[str, list[str]], seen: set[str]) -> list[str]:
    """What is reached from the root and was not seen, each after all that it leads to."""
    if root in seen:
        return []
    seen.add(root)
    done: list[str] = []
    work = [(root, iter(needs.get(root, ())))]
    while work:
        node, targets = work[-1]
        target = next((one for one in targets if one not in seen), None)
        if target is None:
            done.append(node)
            work.pop()
        else:
            seen.add(target)
            work.append((target, iter(needs.get(target, ()))))
    return done


def modules(lines: Mapping[str, int], edges: Iterable[Import]) -> dict[str, Any]:
    """The map for the report: folders as nodes, imports between them as edges."""
    home = _homes(list(lines))
    files = Counter(home.values())
    length: Counter[str] = Counter()
    for path, count in lines.items():
        length[home[path]] += count
    between: Counter[tuple[str, str]] = Counter()
    broken: dict[tuple[str, str], list[str]] = defaultdict(list)
    for edge in edges:
        pair = (home.get(edge.source, ""), home.get(edge.target, ""))
        if all(pair) and pair[0] != pair[1]:
            between[pair] += 1
            if why := crossing(edge.source, edge.target):
                broken[pair].append(why)
    return {
        "nodes": [
            {"id": name, "files": count, "lines": length[name]}
            for name, count in sorted(files.items())
        ],
        "edges": [
            {
                "from": source,
                "to": target,
                "count": count,
                "broken": len(broken[source, target]),
                "why": broken[source, target][0] if broken[source, target] else "",
            }
            for (source, target), count in sorted(between.items())
        ],
    }


def _homes(paths: list[str]) -> dict[str, str]:
    """The folder that each file is shown as; a folder with much of the code is opened up."""
    home = {path: _folder(path, 1) for path in paths}
    for depth in range(2, _DEEPEST + 1):
        sizes = Counter(home.values())
        large = {name for name, count in sizes.items() if count > max(len(paths) * _SHARE, 3)}
        opened = {
            path: _folder(path, depth) if name in large else name for path, name in home.items()
        }
        if len(set(opened.values())) > _MOST_NODES:
            break
        home = opened
    kept = {name for name, _ in Counter(home.values()).most_common(_MOST_NODES)}
    return {path: name if name in kept else "(other)" for path, name in home.items()}


def _folder(path: str, depth: int) -> str:
    parts = path.split("/")[:-1]
    return "/".join(parts[:depth]) or "(root)"
