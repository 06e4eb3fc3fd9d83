"""Locked packages that an advisory speaks of: one finding a lock file, the worst first."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ...engine.finding import Evidence, Finding, NotLooked, Place, Severity
from .advisories import VARIABLE, Advisory, Database, NotAsked, Package, address
from .locked import Locked, LockFile, lock_files
from .project import Project

_WHAT = "known-vulnerable dependencies"
_RULES = ("deps.vulnerable",)
_SHOWN = 5
_ALSO = 30


@dataclass(frozen=True)
class _Hit:
    locked: Locked
    advisories: tuple[Advisory, ...]

    @property
    def worst(self) -> Advisory:
        return max(self.advisories, key=lambda it: (_weight(it), it.id))

    @property
    def severity(self) -> Severity:
        """Never critical: that what is vulnerable can be reached is not known. A developer's tool
        is on no server."""
        most = Severity.MEDIUM if self.locked.development else Severity.HIGH
        return min(most, _weight(self.worst))

    def text(self) -> str:
        worst = self.worst
        fixed = _fixed_in(self.locked, worst)
        rated = worst.severity.label if worst.severity is not None else "not rated"
        said = [f"{worst.id}, {rated}{f': {worst.summary}' if worst.summary else ''}"]
        said += [f"{len(self.advisories) - 1} more"] if len(self.advisories) > 1 else []
        said += [f"fixed in {fixed}"] if fixed else []
        return f"{self.locked.name} {self.locked.version} ({'; '.join(said)})"


def look(project: Project) -> tuple[list[Finding], list[NotLooked]]:
    """Ask about every locked package, where a database to ask is named."""
    named = os.environ.get(VARIABLE, "").strip()
    if not named:
        return [], [_offline()]
    locks = list(lock_files(project))
    missing = list(_unreadable(project, locks))
    asked = sorted({_asked(one) for lock in locks for one in lock.packages or ()})
    try:
        database = Database(address(named))
        known = database.known(asked)
        about = database.advisories(name for names in known.values() for name in names)
    except NotAsked as reason:
        missing.append(NotLooked(_WHAT, f"{VARIABLE}={_shown(named)}: {reason}", _RULES))
        return [], missing
    if silent := sorted(it.id for it in about.values() if not it.answered):
        why = f"the database names {', '.join(silent[:_SHOWN])} and does not say what that is"
        missing.append(NotLooked(f"how bad {len(silent)} advisories are", why, _RULES))
    return list(_findings(locks, known, about)), missing


def _offline() -> NotLooked:
    return NotLooked(
        _WHAT,
        "offline: advisories are on the network, and this guard asks only a database that it is "
        f"told of ({VARIABLE}=osv, or the address of one that speaks OSV)",
        _RULES,
    )


def _unreadable(project: Project, locks: list[LockFile]) -> Iterator[NotLooked]:
    for lock in locks:
        if lock.packages is None:
            yield NotLooked(f"{_WHAT} of {lock.path}", "it can't be read as a lock file", _RULES)
    if project.needs and not any(lock.packages for lock in locks):
        yield NotLooked(_WHAT, "no lock file says which versions are installed", _RULES)


def _findings(
    locks: list[LockFile],
    known: Mapping[Package, frozenset[str]],
    about: Mapping[str, Advisory],
) -> Iterator[Finding]:
    for lock in locks:
        hits: dict[Package, _Hit] = {}
        for one in sorted(lock.packages or (), key=lambda it: (it.development, it.line)):
            names = known.get(_asked(one), frozenset())
            valid = tuple(about[name] for name in sorted(names) if not about[name].withdrawn)
            if valid:
                hits.setdefault(_asked(one), _Hit(one, valid))
        if hits:
            yield _finding(lock.path, hits.values())


def _finding(path: str, hits: Iterable[_Hit]) -> Finding:
    ranked = sorted(
        hits,
        key=lambda it: (-it.severity, not it.locked.direct, -_weight(it.worst), it.locked.name),
    )
    shown = "; ".join(hit.text() for hit in ranked[:_SHOWN])
    rest = f"; and {len(ranked) - _SHOWN} more" if len(ranked) > _SHOWN else ""
    return Finding(
        "deps.vulnerable",
        _place(path, ranked[0]),
        f"{path} locks {len(ranked)} package(s) with known vulnerabilities: {shown}{rest}.",
        severity=ranked[0].severity,
        evidence=Evidence.EXACT,
        also=tuple(_place(path, hit) for hit in ranked[1:_ALSO]),
        detail={
            "vulnerable": [
                {
                    "package": f"{hit.locked.name} {hit.locked.version}",
                    "direct": hit.locked.direct,
                    "advisories": [it.id for it in hit.advisories],
                }
                for hit in ranked
            ]
        },
    )


def _place(path: str, hit: _Hit) -> Place:
    return Place(path, hit.locked.line, snippet=f"{hit.locked.name} {hit.locked.version}")


def _asked(one: Locked) -> Package:
    return one.ecosystem, one.name, one.version


def _weight(advisory: Advisory) -> Severity:
    """One that nobody has rated is taken for a medium one."""
    return Severity.MEDIUM if advisory.severity is None else advisory.severity


def _fixed_in(locked: Locked, advisory: Advisory) -> str:
    """The nearest release of it without the fault."""
    newer = [
        version
        for name, version in advisory.fixed
        if name.lower().replace("_", "-") == locked.name.lower()
        if _order(version) > _order(locked.version)
    ]
    return min(newer, key=_order, default="")


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part[:9]) for part in re.findall(r"\d+", version)[:4])


def _shown(url: str) -> str:
    """The address without what may be a password in it."""
    return re.sub(r"//[^/@]*@", "//…@", url)[:200]
