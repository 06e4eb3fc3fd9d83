"""The same fault in several places of one file is told once, with all of its places."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ....engine.finding import Finding

_MOST_PLACES = 40


def one_a_file(findings: Iterable[Finding]) -> Iterator[Finding]:
    files: dict[tuple[str, str], list[Finding]] = {}
    for one in findings:
        files.setdefault((one.rule, one.place.path), []).append(one)
    for first, *others in files.values():
        places = (*first.also, *(one.place for one in others))
        yield replace(first, also=places[:_MOST_PLACES])
