"""A tree that lies in itself once more: what is wrong in it is wrong once, at two places."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from .finding import Finding
from .tree import Tree

_MOST_PLACES = 20


def told_once(tree: Tree, findings: Iterable[Finding]) -> list[Finding]:
    """The findings; of those in `copy/src/a.ts` that is `src/a.ts` word for word, places alone."""
    every = list(findings)
    kept: dict[int, Finding] = {}
    alike: dict[tuple[str, int, str], list[int]] = defaultdict(list)
    for at in sorted(range(len(every)), key=lambda number: len(every[number].place.path)):
        finding, place = every[at], every[at].place
        key = (finding.rule, place.line, place.path.rpartition("/")[2])
        first = next((one for one in alike[key] if _is_copy(tree, finding, kept[one])), None)
        if first is None:
            alike[key].append(at)
            kept[at] = finding
        else:
            also = (*kept[first].also, place, *finding.also)
            kept[first] = replace(kept[first], also=tuple(dict.fromkeys(also))[:_MOST_PLACES])
    return [kept[at] for at in sorted(kept)]


def _is_copy(tree: Tree, finding: Finding, first: Finding) -> bool:
    path, original = finding.place.path, first.place.path
    if not path.endswith(f"/{original}") or not original:
        return False
    prefix = path.removesuffix(original)
    if finding.message.replace(prefix, "") != first.message.replace(prefix, ""):
        return False
    return (tree.text(path) or "") == (tree.text(original) or "")
