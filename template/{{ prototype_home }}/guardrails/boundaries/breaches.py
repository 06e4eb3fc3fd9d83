"""What breaks a contract: each import, file and function by itself, so that the ratchet counts."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..guards.structure.graph import components, within_package
from ..guards.structure.imports import Reference, When
from ..guards.structure.sources import is_content
from .code import Code
from .contracts import (
    PACKAGE,
    Acyclic,
    Ceiling,
    Contract,
    Forbidden,
    Independent,
    Layers,
    OnlyThrough,
    Terms,
)
from .globs import compiled, matching
from .handing import handed_on, named_package
from .sizes import functions

_SHOWN = 5
_INDEX = re.compile(r"(^|/)(index\.\w+|__init__\.py)$")


@dataclass(frozen=True, order=True)
class Breach:
    """`text` is what of the code shows it; `how` follows the file's name in a sentence."""

    path: str
    line: int
    text: str
    how: str
    way_out: str
    target: str = ""


def breaches(contract: Contract, code: Code) -> list[Breach]:
    """All that breaks the contract, in the order of the files; of equals in one file the first."""
    found = sorted(_breaking(contract.terms, code), reverse=True)
    return sorted({(entry.path, entry.target or entry.text): entry for entry in found}.values())


def _breaking(terms: Terms, code: Code) -> Iterator[Breach]:
    match terms:
        case Layers():
            return _upward(terms, code)
        case Forbidden():
            return _forbidden(terms, code)
        case Independent():
            return _trespasses(terms, code)
        case Acyclic():
            return _circular(terms, code)
        case OnlyThrough():
            return _past(terms, code)
        case Ceiling():
            return _too_long(terms, code)


def empty(contract: Contract, code: Code) -> str:
    """Which key of the contract fits nothing in the tree any more; empty when all do."""
    for key, globs in contract.terms.places.items():
        if len(_places(globs)) == len(globs) and not matching(globs, code.texts):
            return key
    return ""


def _upward(terms: Layers, code: Code) -> Iterator[Breach]:
    level: dict[str, int] = {}
    for number, layer in enumerate(terms.layers):
        for path in matching(layer, code.texts):
            level.setdefault(path, number)
    for entry in code.references:
        below, above = level.get(entry.source), level.get(entry.target)
        if below is not None and above is not None and above < below:
            over = ", ".join(terms.layers[above])
            yield _import(
                entry,
                f"which is above it ({over})",
                "Hand over what it needs from there as an argument, or move that down.",
            )


def _forbidden(terms: Forbidden, code: Code) -> Iterator[Breach]:
    sources = matching(terms.source, code.texts)
    targets = matching(_places(terms.target), code.texts)
    packages = _packages(terms.target)
    for entry in code.references:
        if entry.source not in sources:
            continue
        if entry.target in targets or any(named_package(entry, name) for name in packages):
            yield _import(
                entry,
                "which it may not know",
                "Move what both sides need to a place of its own, or ask for it over the API.",
            )


def _trespasses(terms: Independent, code: Code) -> Iterator[Breach]:
    public = [compiled(glob) for glob in terms.public]
    for entry in code.references:
        here, there = _module(entry.source, terms), _module(entry.target, terms)
        if not here or not there or here == there:
            continue
        rest = entry.target[len(there) :].lstrip("/")
        if public if not rest else any(glob.fullmatch(rest) for glob in public):
            continue
        yield _import(
            entry,
            f"which is inside of {there}",
            f"Import what {there} makes public ({', '.join(terms.public)}), or move what both "
            "need out of it."
            if public
            else "Move what both need to a place that neither is.",
        )


def _module(path: str, terms: Independent) -> str:
    """The module that the file is in; an index beside the modules lists them and is none."""
    parts = path.split("/")
    for glob in terms.modules:
        name = "/".join(parts[: glob.count("/") + 1])
        if compiled(glob).fullmatch(name) and not _INDEX.search(name):
            return name
    return ""


def _circular(terms: Acyclic, code: Code) -> Iterator[Breach]:
    inside = matching(terms.within, code.texts)
    entries = [
        entry
        for entry in code.references
        if entry.when is When.LOADED
        and entry.source in inside
        and entry.target in inside
        and not within_package(entry.source, entry.target)
    ]
    needs: dict[str, list[str]] = {}
    for entry in entries:
        needs.setdefault(entry.source, []).append(entry.target)
    for group in components(needs):
        members = set(group)
        for entry in entries:
            if entry.source in members and entry.target in members:
                ring = _ring(entry, needs, members)
                yield _import(
                    entry,
                    f"which needs it ({ring})",
                    "Move what both need into a file that imports neither.",
                )


def _ring(entry: Reference, needs: dict[str, list[str]], members: set[str]) -> str:
    """The shortest way back from what is imported."""
    before: dict[str, str] = {entry.target: ""}
    queue = [entry.target]
    for node in queue:
        for target in needs.get(node, ()):
            if target in members and target not in before:
                before[target] = node
                queue.append(target)
    way = [entry.source]
    while before[way[-1]]:
        way.append(before[way[-1]])
    ring = [entry.source, *reversed(way)]
    shown = ring if len(ring) <= _SHOWN + 1 else [*ring[:_SHOWN], "…", ring[-1]]
    return " → ".join(shown)


def _past(terms: OnlyThrough, code: Code) -> Iterator[Breach]:
    targets = matching(_places(terms.target), code.texts)
    packages = _packages(terms.target)
    free = targets | matching(terms.through, code.texts)
    held = matching(terms.source, code.texts) - free
    hands = handed_on(code, targets, packages)
    way_out = f"Let a module in {' or '.join(terms.through)} do it, and call that."
    for entry in code.references:
        if entry.source not in held:
            continue
        if entry.target in targets or any(named_package(entry, name) for name in packages):
            yield _import(entry, "", way_out)
        elif some := entry.names & hands.get(entry.target, frozenset()):
            yield _import(entry, f"which hands on {', '.join(sorted(some))}", way_out)


def _too_long(terms: Ceiling, code: Code) -> Iterator[Breach]:
    for path in sorted(matching(terms.files, code.texts)):
        if is_content(path, code.texts[path]):
            continue
        lines = code.texts[path].count("\n") + 1
        most = max(terms.lines, terms.allowed.get(path, 0))
        if terms.lines and lines > most:
            how = f"has {lines:,} lines, and may have {most:,}"
            yield Breach(path, 0, "", how, "Split it by what it is about.")
        if terms.function_lines:
            for name, line, length in functions(path, code.texts[path], terms.function_lines):
                how = f"has {name} with {length:,} lines, and a function may have "
                yield Breach(
                    path, line, name, f"{how}{terms.function_lines:,}",
                    "Take parts of it out that have a name.",
                )  # fmt: skip


def _import(entry: Reference, why: str, way_out: str) -> Breach:
    what = entry.target or entry.package
    how = f"imports {what}" + (f", {why}" if why else "")
    return Breach(entry.source, entry.line, entry.module, how, way_out, what)


def _places(globs: Sequence[str]) -> list[str]:
    return [glob for glob in globs if not glob.startswith(PACKAGE)]


def _packages(globs: Sequence[str]) -> list[str]:
    return [glob.removeprefix(PACKAGE) for glob in globs if glob.startswith(PACKAGE)]
