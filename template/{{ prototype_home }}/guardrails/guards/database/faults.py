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
MOST_STATEMENTS = 60
MOST_NAMES = 8
_BROKEN = (
    "So this database can't be rebuilt from this repository: `db reset`, a preview branch and "
    "recovery after a loss stop here."
)
_FAILS: Mapping[str, str] = {
    Cause.SYNTAX: "can't be read as PostgreSQL",
    Cause.TWICE: "would make what is there already",
    Cause.LATER: "would need what only a later migration makes",
    Cause.NOWHERE: "would need what no migration makes",
    Cause.GONE: "would need what an earlier migration took away or changed",
    Cause.DATA: "would write rows that an empty database does not take",
    Cause.TRANSACTION: "can't be run in a transaction",
    Cause.PRIVILEGE: "would need rights that the project's role does not have",
    Cause.STOPPED: "ran too long or wrote too much, and so was ended",
    Cause.OTHER: "would fail",
}
_BY_NAME = frozenset({Dialect.PRISMA, Dialect.DRIZZLE})
"""Tools that remember a migration by its whole name, or its text."""
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
    groups = [] if chain.dialect in _BY_NAME else same_versions(chain)
    for number, group in enumerate(groups):
        listed = ", ".join(file.name for file in group)
        yield Finding(
            "migrations.collision",
            Place(group[0].path),
            f"{len(group)} migrations share the version {group[0].version}: {listed}. A tool that "
            f"goes by the version runs one of them, or stops.",
            evidence=Evidence.EXACT,
            severity=Severity.HIGH if _strict(chain) and not number else None,
            also=tuple(Place(file.path) for file in group[1:]),
        )
    if chain.dialect is not Dialect.DRIZZLE:
        yield from _mixed_widths(chain)


def _mixed_widths(chain: Chain) -> Iterator[Finding]:
    files = [file for file in would_run(chain) if file.version]
    widths = Counter(len(file.version) for file in files)
    if len(widths) < 2 or files == sorted(files, key=lambda file: int(file.version)):
        return
    usual = widths.most_common(1)[0][0]
    odd = [file for file in files if len(file.version) != usual]
    names = ", ".join(file.name for file in odd[:4])
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
    """One finding for a broken chain, where it stops; what else fails is a lower one a cause.

    `bodies` are tables that only the text of a function names, which nothing checks before
    somebody calls it.
    """
    failed = [
        statement
        for statement in replay.statements
        if statement.outcome in (Outcome.FAILED, Outcome.STOPPED)
    ]
    # Nobody said in which order scripts that are run by hand belong.
    worst = Severity.MEDIUM if by_hand else Severity.HIGH
    stop = next((statement for statement in failed if not _by_rows(statement)), None)
    if stop is not None:
        here = [s for s in failed if (s.path, s.cause) == (stop.path, stop.cause)]
        failed = [s for s in failed if (s.path, s.cause) != (stop.path, stop.cause)]
        yield _broken(replay, here, worst)
        worst = Severity(worst - 1)
    groups: dict[str, list[Statement]] = defaultdict(list)
    for statement in failed:
        groups[statement.cause].append(statement)
    for cause, statements in groups.items():
        severity = Severity(worst - _by_rows(statements[0]))
        yield _further(cause, statements, severity, more=stop is not None)
    if bodies:
        yield _absent(bodies, worst)


def _by_rows(statement: Statement) -> bool:
    """It is about rows and time, not about the shape of the database."""
    return statement.cause in (Cause.DATA, Cause.STOPPED)


def _broken(replay: Replay, here: list[Statement], severity: Severity) -> Finding:
    first = here[0]
    lost = Counter(statement.outcome for statement in replay.statements)
    failed, cascades = lost[Outcome.FAILED] + lost[Outcome.STOPPED], lost[Outcome.CASCADE]
    message = f"The migrations stop here: {_sentence(first.reason)}"
    names = [name for s in here for name in s.names if name not in first.names]
    if names:
        message += f" The same holds for {_listed('', names)}."
    if failed + cascades > 1:
        wake = f", {cascades} of them in the wake of another" if cascades else ""
        message += (
            f" Of {len(replay.statements):,} statements {failed + cascades:,} don't apply{wake}."
        )
    return Finding(
        "migrations.not-replayable",
        replace(first.place, end_line=first.line),
        f"{message} {_BROKEN}",
        severity=severity,
        evidence=Evidence.EXECUTED,
        also=_places(here)[1:],
        detail={**_detail(here), "cascades": cascades, "failed": failed},
    )


def _further(cause: str, statements: list[Statement], severity: Severity, *, more: bool) -> Finding:
    """What fails for one cause: past the place where the chain breaks, or by itself."""
    places = _places(statements)
    number = len(statements)
    names = list(dict.fromkeys(name for s in statements for name in s.names))
    files = len({statement.path for statement in statements})
    spread = f" in {files} files" if files > 1 else ""
    some = f"{number:,}{' more' * more} statements{spread}"
    if number == 1:
        some = "One more statement" if more else "One statement"
    told = f" ({_listed('', names)})" if names else ""
    message = f"{some} {_FAILS.get(cause, _FAILS[Cause.OTHER])}{told}"
    first = statements[0]
    # What kind of reason it is was said already.
    reason = first.error if first.reason.endswith(first.error) else first.reason
    message += "." if cause == Cause.STOPPED else f"; here: {_sentence(reason)}"
    if not more and cause != Cause.STOPPED:
        message += f" {_BROKEN}"
    return Finding(
        "migrations.not-replayable",
        places[0],
        message,
        severity=severity,
        evidence=Evidence.EXECUTED,
        also=places[1:],
        detail=_detail(statements),
    )


def _absent(bodies: Mapping[tuple[str, str], Place], severity: Severity) -> Finding:
    found = sorted((place, name) for (_, name), place in bodies.items())
    names = [name for _, name in found]
    return Finding(
        "migrations.not-replayable",
        found[0][0],
        f"Functions use {_listed('table', names)}, which no migration makes. The first call of "
        "such a function fails on a database that is built from this repository.",
        severity=severity,
        evidence=Evidence.EXACT,
        also=tuple(place for place, _ in found[1:MOST_ALSO]),
        detail={"cause": str(Cause.NOWHERE), "tables": names[:200]},
    )


def _places(statements: list[Statement]) -> tuple[Place, ...]:
    """The first of each file before the rest."""
    places = [replace(statement.place, end_line=statement.line) for statement in statements]
    first = list({place.path: place for place in reversed(places)}.values())[::-1]
    return tuple([*first, *(place for place in places if place not in first)][:MOST_STATEMENTS])


def _detail(statements: list[Statement]) -> dict[str, object]:
    first = statements[0]
    return {
        "cause": first.cause,
        "sqlstate": first.sqlstate,
        "error": first.error[:300],
        "statements": len(statements),
    }


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
