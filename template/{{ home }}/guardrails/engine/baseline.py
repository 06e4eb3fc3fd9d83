"""What was wrong on the first day, one sorted line each: it may shrink and never grow by itself.

Every line ends in a checksum of its own, so that a line changed by hand is refused and two
branches still merge as a union. A line is one of four kinds: the guards that took the baseline, a
rule that was known to them, a finding of that day, or one accepted later with reason, owner and
date.
"""

import datetime
import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .fingerprint import Fingerprint

_CHECK = "check"
_CHECK_LENGTH = 8


class CorruptBaseline(ValueError):
    """A baseline that was not written by this program as it stands."""


@dataclass(frozen=True)
class Accepted:
    """Why a new finding may stay, who says so, and until when (a date, ISO 8601)."""

    reason: str
    owner: str
    until: str

    def expired(self, today: datetime.date) -> bool:
        return datetime.date.fromisoformat(self.until) < today


@dataclass(frozen=True)
class Baseline:
    """`rules` are those that were run when it was taken; a rule that came later is new. `guards`
    tells the guards that took it from newer ones; two branches may bring one each.
    """

    rules: frozenset[str] = frozenset()
    entries: dict[Fingerprint, Accepted | None] = field(default_factory=dict)
    guards: frozenset[str] = frozenset()

    def to_text(self) -> str:
        lines = [{"guards": identity} for identity in self.guards]
        lines += [{"known": rule} for rule in self.rules]
        for fingerprint, accepted in self.entries.items():
            lines.append(asdict(fingerprint) | (asdict(accepted) if accepted else {}))
        return "".join(sorted(_signed(line) + "\n" for line in lines))

    @classmethod
    def from_text(cls, text: str, name: str) -> "Baseline":
        """Raises CorruptBaseline, which names the line."""
        rules: set[str] = set()
        guards: set[str] = set()
        entries: dict[Fingerprint, Accepted | None] = {}
        for number, line in enumerate(text.splitlines(), start=1):
            content = _checked(line, f"{name}:{number}")
            if "known" in content:
                rules.add(str(content["known"]))
                continue
            if "guards" in content:
                guards.add(str(content["guards"]))
                continue
            try:
                fingerprint, accepted = _entry(content)
            except (KeyError, TypeError, ValueError):
                raise CorruptBaseline(_refusal(f"{name}:{number}")) from None
            entries[fingerprint] = accepted
        return cls(frozenset(rules), entries, frozenset(guards))


def read(file: Path) -> Baseline | None:
    """The baseline in the file; None when there is none.

    Raises:
        CorruptBaseline: it can't be read, or a line was changed by hand.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise CorruptBaseline(f"{file} can't be read: {error}") from None
    return Baseline.from_text(text, str(file))


def grown(now: Baseline, before: Baseline) -> list[Fingerprint]:
    """What a branch added to the baseline without a reason, though its rule was known before."""
    return sorted(
        fingerprint
        for fingerprint, accepted in now.entries.items()
        if accepted is None
        and fingerprint not in before.entries
        and fingerprint.rule in before.rules
        and not _renamed(fingerprint, now, before)
    )


def _renamed(fingerprint: Fingerprint, now: Baseline, before: Baseline) -> bool:
    return any(
        gone not in now.entries and gone.moved_to(fingerprint.path) == fingerprint
        for gone in before.entries
    )


def _entry(content: dict[str, Any]) -> tuple[Fingerprint, Accepted | None]:
    rule, path, symbol, text = (str(content.pop(key)) for key in ("rule", "path", "symbol", "text"))
    fingerprint = Fingerprint(rule, path, symbol, text, int(content.pop("nth")))
    if not content:
        return fingerprint, None
    accepted = Accepted(**content)
    datetime.date.fromisoformat(accepted.until)
    return fingerprint, accepted


def _signed(content: dict[str, Any]) -> str:
    return json.dumps(content | {_CHECK: _checksum(content)}, ensure_ascii=True)


def _checked(line: str, where: str) -> dict[str, Any]:
    try:
        content = json.loads(line)
        found = content.pop(_CHECK)
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        raise CorruptBaseline(_refusal(where)) from None
    if found != _checksum(content):
        raise CorruptBaseline(_refusal(where))
    return dict(content)


def _checksum(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:_CHECK_LENGTH]


def _refusal(where: str) -> str:
    return (
        f"{where} was not written by `python -m guardrails baseline`. Take the file back from the "
        "main branch, or delete a line of what was mended; to accept a new finding use "
        "`python -m guardrails baseline --accept`."
    )
