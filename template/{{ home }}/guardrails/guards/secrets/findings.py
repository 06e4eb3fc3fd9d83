"""From sightings to findings: the same secret in ten places is one finding."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from ...engine.finding import Evidence, Finding, Place, Severity
from .history import Commit
from .places import is_env_file
from .shapes import Sighting
from .values import masked

_MOST_PLACES = 20


def in_tree(seen: Iterable[Sighting]) -> list[Finding]:
    """One finding a secret; its worst place first."""
    groups: dict[str, list[Sighting]] = defaultdict(list)
    for sighting in seen:
        groups[sighting.secret].append(sighting)
    found = [_one(group) for group in groups.values()]
    public = [finding for finding in found if finding.rule == "secret.anon-key"]
    others = [finding for finding in found if finding.rule != "secret.anon-key"]
    return others + list(_merged(public))


def _merged(public: list[Finding]) -> Iterator[Finding]:
    """Keys that are public by design are one note, however many there are."""
    if not public:
        return
    first, *rest = public
    places = (*first.also, *(place for one in rest for place in (one.place, *one.also)))
    yield Finding(
        first.rule, first.place, first.message, first.severity, first.evidence,
        places[:_MOST_PLACES], first.detail,
    )  # fmt: skip


def _one(group: list[Sighting]) -> Finding:
    # Public by design in one place, it is so in all of them.
    known = [one for one in group if one.rule == "secret.anon-key"]
    ordered = sorted(
        dict.fromkeys(known or group),
        key=lambda one: (-one.weight, not is_env_file(one.path), one.path, one.line),
    )
    worst = ordered[0]
    places = list(dict.fromkeys((one.path, one.line) for one in (*ordered, *group)))
    return Finding(
        worst.rule,
        Place(*places[0]),
        _sentence(worst, len({path for path, _ in places})),
        severity=worst.weight,
        evidence=Evidence.EXACT,
        also=tuple(Place(*place) for place in places[1:_MOST_PLACES]),
        detail={"kind": worst.what, "masked": masked(worst.secret)} | _subject(worst),
    )


def _subject(worst: Sighting) -> dict[str, str]:
    """A published variable is one fault, however many values and places it has."""
    return {"subject": worst.what} if worst.rule == "secret.in-bundle" else {}


def _sentence(worst: Sighting, files: int) -> str:
    where = f" in {files} files" if files > 1 else ""
    tail = f": {worst.consequence}" if worst.consequence else ""
    return f"{worst.what} {masked(worst.secret)}{where}{tail}."


def in_history(
    seen: Iterable[tuple[str, Sighting]], commits: Mapping[str, Commit]
) -> Iterator[Finding]:
    """Secrets that no file holds any more; each sighting comes with its blob."""
    groups: dict[str, list[tuple[str, Sighting]]] = defaultdict(list)
    for blob, sighting in seen:
        groups[sighting.secret].append((blob, sighting))
    for group in groups.values():
        group.sort(key=lambda one: (-one[1].weight, commits.get(one[0], Commit("", "9")).date))
        blob, worst = group[0]
        commit = commits.get(blob, Commit("", ""))
        when = f" in commit {commit.id[:12]} of {commit.date}" if commit.id else " in the history"
        tail = f": {worst.consequence}" if worst.consequence else ""
        yield Finding(
            "secret.in-history",
            Place(worst.path, worst.line),
            f"{worst.what} {masked(worst.secret)}{when}, gone from the files{tail}.",
            # It may have been revoked when it was taken out.
            severity=min(worst.weight, Severity.HIGH),
            evidence=Evidence.EXACT,
            detail={
                "kind": worst.what,
                "masked": masked(worst.secret),
                "commit": commit.id,
                "date": commit.date,
            },
        )
