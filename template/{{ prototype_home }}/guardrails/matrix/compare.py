"""What a change did to the recorded matrix: wider, further from replaying, or locking fails."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .model import WIDTH, Access, Cell, Door, Fault, Recorded, Seen

PEOPLE = {
    "anon": "anon (without an account)",
    "user": "user (whoever signs up)",
    "member": "member (of another organisation)",
}
REVIEW = "If that is meant, run `python -m guardrails.matrix --write` and have its change reviewed."


@dataclass
class Verdict:
    """`worse` is to be mended, `unseen` could not be looked at, `better` only to be recorded."""

    worse: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    better: list[str] = field(default_factory=list)


def compare(recorded: Recorded, seen: Seen) -> Verdict:
    verdict = Verdict(unseen=list(seen.unseen))
    for door, row in sorted(seen.cells.items()):
        before = recorded.cells.get(door, {})
        for who, cell in row.items():
            _cell(verdict, door, who, before.get(who), cell)
    gone = [door for door in recorded.cells if door not in seen.cells]
    verdict.better += [f"{_named(door)} is no more." for door in sorted(gone)]
    for path, faults in seen.failing.items():
        verdict.worse += _further(faults, recorded.failing.get(path, 0), "does not replay")
    for (path, rule), faults in seen.locking.items():
        known = recorded.locking.get((path, rule), 0)
        verdict.worse += _further(faults, known, f"locks a table ({rule})")
    verdict.better += _fewer(recorded, seen)
    return verdict


def _cell(verdict: Verdict, door: Door, who: str, before: Access | None, cell: Cell) -> None:
    now, person = cell.access, PEOPLE.get(who, who)
    if now is before:
        return
    where = f"{cell.place.path}:{cell.place.line}: " if cell.place else ""
    if now is Access.UNKNOWN:
        if before is Access.REFUSED or before is Access.OWN:
            verdict.unseen.append(
                f"{where}{_named(door)}: whether {person} may is not known any more "
                f"(was {before}): {cell.why or 'it could not be tried'}."
            )
    elif WIDTH[now] > WIDTH[before or Access.REFUSED]:
        was = "it is new" if before is None else f"was {before}"
        own = " for rows of their own" if now is Access.OWN else ""
        verdict.worse.append(
            f"{where}{_named(door)}: now allowed to {person}{own}; {was}. {REVIEW}"
        )
    elif before is not None:
        verdict.better.append(f"{_named(door)}: {before} → {now} for {person}.")


def _named(door: Door) -> str:
    return f"{door.operation} on {door.kind} {door.name}"


def _further(faults: tuple[Fault, ...], known: int, what: str) -> Iterator[str]:
    """Faults beyond as many as are known of; which of them are new nobody can tell, so all."""
    if len(faults) > known:
        before = f" {known} such in this file were known, now {len(faults)}." if known else ""
        for fault in faults[: 1 + len(faults) - known]:
            yield f"{fault.place.path}:{fault.place.line}: {what}: {fault.what}.{before}"


def _fewer(recorded: Recorded, seen: Seen) -> Iterator[str]:
    yield from _less(recorded.failing, seen.failing, "do not replay")
    locking = {f"{path} ({rule})": count for (path, rule), count in recorded.locking.items()}
    now = {f"{path} ({rule})": faults for (path, rule), faults in seen.locking.items()}
    yield from _less(locking, now, "lock a table")


def _less(
    before: Mapping[str, int], now: Mapping[str, tuple[Fault, ...]], what: str
) -> Iterator[str]:
    for name, count in sorted(before.items()):
        left = len(now.get(name, ()))
        if left < count:
            yield f"{name}: {left} statements {what}, {count} did."
