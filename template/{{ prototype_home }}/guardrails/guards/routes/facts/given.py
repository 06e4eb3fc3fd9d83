"""Whether the client names a value in a function that a handler calls: `data.userId`, where the
handler spells out the `data` it gives."""

import re

from .access import Case
from .paths import property_of
from .program import Piece

_MEMBER = re.compile(r"\b(?!Math\.|Number\.)([A-Za-z_$]\w*)\??\.(\w+)")


def handed_on(case: Case, piece: Piece, value: str) -> bool | None:
    """Whether `data.amount` is sent, where the caller's code spells out the `data` it gives."""
    named = _MEMBER.search(value)
    if named is None or piece.giver is None or piece.function is None:
        return None
    places = [
        index
        for index, one in enumerate(piece.function.parameters)
        if re.match(rf"{re.escape(named[1])}\b", one) and index < len(piece.given)
    ]
    given = piece.giver.module.slice(piece.given[places[0]]) if places else ""
    if not given.startswith("{"):
        return None
    found = property_of(given, named[2])
    if not found and re.search(rf"[{{,]\s*{re.escape(named[2])}\s*[,}}]", given):
        found = named[2]
    if not found and "..." in given:
        return None
    return case.flow.of(piece.giver).has_sent(found) if found else None


def named_by_client(case: Case, piece: Piece, value: str) -> bool:
    """Whether the request says what the value is, wherever in the program it is used."""
    names = case.flow.of(piece)
    if not names.has_sent(value) or names.has_caller(value):
        return False
    if _put_right(case, value.rpartition(".")[2]):
        return False
    return not piece.depth or handed_on(case, piece, _spelled_out(piece, value)) is not False


def _put_right(case: Case, key: str) -> bool:
    """`dto.ownerId = user.id`, `{ ...body, ownerId: user.id }`: whatever was sent there is written
    over on the way.
    """
    wanted = re.compile(
        rf"(?:[\w$]\.{re.escape(key)}\s*=(?!=)|,\s*{re.escape(key)}\s*:)\s*([^;,}}\n]+)"
    )
    return any(
        case.flow.of(piece).has_caller(one[1])
        for piece in case.pieces
        for one in wanted.finditer(piece.code)
    )


def _spelled_out(piece: Piece, value: str) -> str:
    """`dto.userId` for a `userId` that was taken out of `dto`."""
    for one in piece.module.bindings_in(piece.start, piece.end):
        taken = one.names.startswith("{") and re.search(
            rf"(?:(\w+)\s*:\s*)?(?<![\w$]){re.escape(value)}\s*(?=[,=}}])", one.names
        )
        if taken and re.fullmatch(r"\w+", piece.module.slice(one).strip()):
            return f"{piece.module.slice(one).strip()}.{taken[1] or value}"
    return value
