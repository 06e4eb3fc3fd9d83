"""How the rules of this guard say what they found."""

from collections.abc import Iterable

from ....engine.finding import Evidence, Finding, Place, Severity
from ..facts.access import Case, Spot
from ..facts.deeds import done
from ..facts.program import Piece
from ..facts.signs import DELETES, MAIL, MESSAGE, WRITES
from ..facts.source import Module

LOW, MEDIUM, HIGH, CRITICAL = Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL


def place(module: Module, at: int, symbol: str = "") -> Place:
    line = module.line(at)
    return Place(module.path, line, line, module.snippet(at), symbol)


def at_spot(spot: Spot, symbol: str = "") -> Place:
    return place(spot.piece.module, spot.at, symbol)


def at_route(case: Case) -> Place:
    return place(case.route.module, case.route.at, case.route.label)


_MOST_DEEDS = 8
MOST_PLACES = 60
"""A server that asks nobody anywhere has so many routes."""


def deeds(case: Case, most: int = _MOST_DEEDS) -> list[Place]:
    """Each place of the handler's own file where it changes something or writes to somebody."""
    own = [piece for piece in case.pieces if piece.module is case.route.module]
    spots = {at for sign in (WRITES, DELETES) for _, at in done(case.program, own, sign)}
    spots |= {
        piece.start + match.start()
        for piece in own
        for sign in (MAIL, MESSAGE)
        for match in sign.finditer(piece.code)
    }
    found = (place(case.route.module, at) for at in sorted(spots))
    return list({one.line: one for one in found}.values())[:most]


def on_the_way(piece: Piece) -> list[Place]:
    """Where each function on the way down to a piece is called, the handler's own call last."""
    found: list[Place] = []
    while piece.giver is not None:
        giver = piece.giver
        found.append(place(giver.module, piece.given[0].start if piece.given else giver.start))
        piece = giver
    return found


def finding(
    rule: str,
    first: Place,
    message: str,
    severity: Severity | None = None,
    also: Iterable[Place] = (),
    evidence: Evidence = Evidence.READ,
) -> Finding:
    others = tuple(
        dict.fromkeys(one for one in also if one.line != first.line or one.path != first.path)
    )
    return Finding(rule, first, message, severity, evidence, others[:MOST_PLACES])
