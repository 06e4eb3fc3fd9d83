"""That an adoption breaks nothing: what the prototype says before and after, side by side."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from roadworthy.applying import Preparation
from roadworthy.inspection import Inspection
from roadworthy.planning import candidates
from roadworthy.refusal import Refusal

from .after import verify_after
from .before import Subject, verify_before
from .model import Verification, compare
from .own import as_answer
from .workplace import Workplace

_MOST_ROUTES = 5


@dataclass(frozen=True)
class Verified:
    before: Verification
    after: Verification


class Proof:
    """Made before anything is changed. It runs the prototype's own code: with consent only."""

    def __init__(self, place: Workplace, wanted: Preparation, say: Callable[[str], None]) -> None:
        self._place = place
        self._wanted = wanted
        self._say = say

    @cached_property
    def before(self) -> Verification:
        return verify_before(
            self._place, self._subject(self._tree), consent=True, progress=self._tell("before")
        )

    def worth_asking(self) -> list[dict[str, str]]:
        """The checks for CI: those that don't fail today."""
        return as_answer(self._subject(self._tree).checks, self.before)

    def after(self, clone: Path) -> Verified:
        """Ask the adopted clone.

        Raises:
            Refusal: something that passed before does not pass now, or what was fitted does not
                pass its own checks.

        """
        before = self.before
        after = verify_after(
            self._place,
            self._subject(clone),
            self._tree,
            consent=True,
            progress=self._tell("after"),
        )
        faults = [str(regression) for regression in compare(before, after)]
        if faults:
            raise Refusal("Nothing was changed, because it would break: " + "; ".join(faults))
        return Verified(before, after)

    @property
    def _tree(self) -> Path:
        return self._wanted.repository.top

    def _subject(self, tree: Path) -> Subject:
        inspection = self._wanted.inspection
        apps = tuple(it.app for it in candidates(inspection.stack))
        return Subject(tree, self._wanted.answers, apps, tuple(readable(inspection)))

    def _tell(self, when: str) -> Callable[[str], None]:
        return lambda step: self._say(f"Verifying, {when}: {step}")


def readable(inspection: Inspection) -> Iterator[str]:
    """What a stranger may read without changing anything, so that both ways can be compared."""
    rows = [
        row
        for fact in ("routes", "python_routes")
        for row in inspection.facts.get(fact) or ()
        if row["method"] == "GET" and row["access"] == "public" and row["kind"] != "procedure"
    ]
    plain = dict.fromkeys(str(row["path"]) for row in rows)
    yield from [path for path in plain if path.isascii() and not set(path) & set("{}:*[]<>")][
        :_MOST_ROUTES
    ]
