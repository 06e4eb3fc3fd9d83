"""A role that decides what is done, and turns nobody away."""

import re

from .program import Piece

_REFUSES = re.compile(
    r"\b40[13]\b|[fF]orbidden|FORBIDDEN|\bthrow\b|\breturn\b|\bredirect\(|[dD]enied|[uU]nauthori[sz]ed"
)


def only_branches(piece: Piece, match: "re.Match[str]") -> bool:
    """`if (next === "taken" && actor.role === "driver") row.driver = actor.id`, and all go on."""
    at = piece.start + match.start()
    for one in piece.module.conditions:
        if one.test.start <= at < one.test.end:
            branches = piece.module.slice(one.then)
            branches += piece.module.slice(one.other) if one.other else ""
            return _REFUSES.search(branches) is None
    return False
