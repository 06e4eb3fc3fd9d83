"""Rows of an account that the handler itself made a moment ago: nobody else's can be meant."""

import re

from .queries import Query

_MAKES_ACCOUNT = re.compile(r"\.(?:createUser|inviteUserByEmail|signUp)\(")
_CHOSEN_BY = re.compile(
    r"\.eq\(\s*['\"`]\w+['\"`]\s*,\s*([A-Za-z_$][\w$]*)[!?]?\."
    r"|\b\w*(?:user|auth|account|profile|owner)_?[iI]d['\"]?\s*:\s*([A-Za-z_$][\w$]*)[!?]?\."
)


def of_new_account(query: Query) -> bool:
    """Whether the row is that of an account that the handler made a moment ago: whose else."""
    by = [one or other for one, other in _CHOSEN_BY.findall(query.code)]
    piece = query.spot.piece
    return bool(by) and all(
        any(
            re.search(rf"\b{re.escape(name)}\b", one.names)
            and _MAKES_ACCOUNT.search(piece.module.slice(one)[:300])
            for one in piece.module.bindings_in(piece.start, piece.end)
        )
        for name in by
    )
