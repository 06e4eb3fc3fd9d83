"""What the replay of a chain says about the chain: the findings of the family `migrations`."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from ...engine.finding import Evidence, Finding, Place, Severity
from .causes import Cause
from .chain import same_versions, would_run
from .lexer import split, subject
from .model import Chain, Dialect, Outcome, Replay, Statement

MOST_ALSO = 25
MOST_NAMES = 8
_BROKEN = (
    "So this database can't be rebuilt from this repository: `db reset`, a preview branch and "
    "recovery after a loss stop here."
)
_NEWER_THAN = 2
"""Statements that drop what the chain made at least so many files before."""


def names_of(chain: Chain) -> Iterator[Finding]:
    """What can be told without running anything."""
    if chain.skipped and len(chain.skipped) <= len(chain.files) and _strict(chain):
        first, *rest = chain.skipped
        runs = len(chain.files) - len(chain.skipped)
        yield Finding(
            "migrations.skipped-by-cli",
            Place(first.path, 0, snippet=first.path.rpartition("/")[2]),
            f"{len(chain.skipped)} of {len(chain.files)} migrations have names that the Supabase "
            f"CLI skips without an error (it wants digits, an underscore, a name), so only {runs} "
            f"would run.",
            evidence=Evidence.EXACT,
            also=tuple(Place(file.path) for file in rest[:MOST_ALSO]),
            detail={"skipped": len(chain.skipped), "would_run": runs},
        )
    for group in same_versions(chain):
        if chain.dialect is Dialect.PRISMA:
            continue
        listed = ", ".join(file.path.rpartition("/")[2] for file in group)
        yield Finding(
            "migrations.collision",
            Place(group[0].path),
            f"{len(group)} migrations share the version {group[0].version}: {listed}. A tool that "
            f"goes by the version runs one of them, or stops.",
            evidence=Evidence.EXACT,
            severity=Severity.HIGH if _strict(chain) else None,
            also=tuple(Place(file.path) for file in group[1:]),
        )
    yield from _mixed_widths(chain)


def _mixed_widths(chain: Chain) -> Iterator[Finding]:
    files = [file for file in would_run(chain) if file.version]
    widths = Counter(len(file.version) for file in files)
    if len(widths) < 2 or files == sorted(files, key=lambda file: int(file.version)):
        return
    usual = widths.most_common(1)[0][0]
    odd = [file for file in files if len(file.version) != usual]
    names = ", ".join(file.path.rpartition("/")[2] for file in odd[:4])
    yield Finding(
        "migrations.collision",
        Place(odd[0].path),
        f"{len(odd)} migrations have a version of another width than the rest ({names}), so their "
        f"order by name is not their order by number.",
        evidence=Evidence.EXACT,
        severity=Severity.LOW,
        also=tuple(Place(file.path) for file in odd[1:MOST_ALSO]),
    )


def _strict(chain: Chain) -> bool:
    return chain.folder.endswith("supabase/migrations")


def not_replayable(
    replay: Replay, bodies: Mapping[tuple[str, str], Place], by_hand: bool = False
) -> Iterator[Finding]:
    """One finding for each cause in a file; what fails in its wake is counted with the first.

    `bodies` are tables that only the text of a function names, which nothing checks before
    somebody calls it.
    """
    groups: dict[tuple[str, ...], list[Statement]] = defaultdict(list)
    for statement in replay.statements:
        if statement.outcome in (Outcome.FAILED, Outcome.STOPPED):
            groups[_group(statement)].append(statement)
    cascades = sum(statement.outcome is Outcome.CASCADE for statement in replay.statements)
    # Nobody said in which order scripts that are run by hand belong.
    severity = Severity.MEDIUM if by_hand else None
    absent: dict[str, list[tuple[str, Place]]] = defaultdict(list)
    for (path, name), place in bodies.items():
        absent[path].append((name, place))
    for at, (key, statements) in enumerate(groups.items()):
        also = absent.pop(key[0], []) if key[1] == Cause.NOWHERE else []
        yield _finding(statements, also, severity, cascades if at == 0 else 0)
    for found in absent.values():
        found.sort(key=lambda entry: entry[1].line)
        yield Finding(
            "migrations.not-replayable",
            found[0][1],
            f"Functions use {_listed('table', [name for name, _ in found])}, which no migration "
            f"makes. {_BROKEN}",
            severity=severity,
            evidence=Evidence.EXACT,
            also=tuple(place for _, place in found[1:MOST_ALSO]),
        )


def _group(statement: Statement) -> tuple[str, ...]:
    if statement.cause == Cause.LATER:
        return ("", statement.cause, *statement.names)
    if statement.cause == Cause.OTHER:
        return (statement.path, statement.cause, statement.sqlstate)
    return (statement.path, statement.cause)


def _finding(
    statements: list[Statement],
    bodies: list[tuple[str, Place]],
    severity: Severity | None,
    cascades: int,
) -> Finding:
    first = statements[0]
    places = sorted(
        [statement.place for statement in statements] + [place for _, place in bodies],
        key=lambda place: (place.path, place.line),
    )
    names = [name for statement in statements for name in statement.names]
    names += [name for name, _ in bodies]
    message = f"This does not run on an empty database: {_sentence(first.reason)}"
    if len(set(names)) > 1:
        message += f" The same holds for {_listed('', [n for n in names if n not in first.names])}."
    if cascades:
        message += f" {cascades} more statements fail in the wake of such."
    data_only = all(statement.cause in (Cause.DATA, Cause.STOPPED) for statement in statements)
    if data_only and severity is None:
        severity = Severity.MEDIUM
    return Finding(
        "migrations.not-replayable",
        replace(places[0], end_line=places[0].line),
        f"{message} {_BROKEN}",
        severity=severity,
        evidence=Evidence.EXECUTED,
        also=tuple(replace(place, end_line=place.line) for place in places[1:MOST_ALSO]),
        detail={
            "cause": first.cause,
            "sqlstate": first.sqlstate,
            "error": first.error[:300],
            "statements": len(statements),
            "cascades": cascades,
        },
    )


def _sentence(reason: str) -> str:
    reason = reason.strip()[:300]
    return reason if reason.endswith(".") else f"{reason}."


def _listed(kind: str, names: Iterable[str]) -> str:
    unique = list(dict.fromkeys(names))
    shown = ", ".join(f"`{name}`" for name in unique[:MOST_NAMES])
    more = f" and {len(unique) - MOST_NAMES} more" if len(unique) > MOST_NAMES else ""
    what = f"the {kind}{'s' if len(unique) > 1 else ''} " if kind else ""
    return f"{what}{shown}{more}"


_DROPS = re.compile(
    r"\bdrop\s+(table|column)\s+(?:if\s+exists\s+)?(?:\"?public\"?\.)?\"?([\w$]+)\"?", re.IGNORECASE
)


def destructive(chain: Chain, text_of: Callable[[str], str]) -> Iterator[Finding]:
    """Tables and columns that an earlier migration made and a later one throws away."""
    made: dict[tuple[str, str], int] = {}
    places: list[Place] = []
    names: list[str] = []
    for order, file in enumerate(chain.files):
        for piece in split(text_of(file.path)):
            about = subject(piece.text)
            if about is None or about.kind != "table":
                continue
            if about.verb == "create":
                made.setdefault(("table", about.name), order)
            for found in _DROPS.finditer(piece.text) if about.verb in ("drop", "alter") else ():
                kind, name = found[1].lower(), found[2]
                table = about.name if kind == "column" else name
                if order - made.get(("table", table), order) >= _NEWER_THAN:
                    places.append(Place(file.path, piece.line, snippet=piece.text[:120]))
                    names.append(name if kind == "table" else f"{table}.{name}")
    if places:
        yield Finding(
            "migrations.destructive",
            places[0],
            f"Migrations throw away data that earlier ones made room for: {_listed('', names)}.",
            evidence=Evidence.READ,
            also=tuple(places[1:MOST_ALSO]),
        )
