"""Paths that say for whom a route is: `/owner/payouts`, `/users/:id/orders`."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.middleware import Access
from ..facts.signs import ASKS_CALLER
from ..facts.ties import tied
from .say import at_route, finding

PRIVATE_PATH = re.compile(
    r"analytic|overview|dashboard|earning|revenue|order|booking|payment|invoice|wallet|balance"
    r"|notification|message|transaction|\bcart|address|expense|appointment|prescription|histor"
    r"|payout|salar|attendance|grade|medical|report",
    re.IGNORECASE,
)
OF_ALL = re.compile(
    r"(?i)leader|public|search|director|count|chat|peer|colleague|team|doctor|/me\b"
)
_ROLE_NAME = re.compile(
    r"['\"](owner|manager|staff|moderator|editor|teacher|doctor|instructor|librarian|cashier|warden"
    r"|accountant|supervisor|operator|agent)s?['\"]",
    re.IGNORECASE,
)


def roles_asked(case: Case) -> set[str]:
    """The roles, by their names, of which a route asks for one."""
    if case.access is not Access.ROLE:
        return set()
    code = " ".join([*(one.code for one in case.route.guards), case.own])
    return {found.lower() for found in _ROLE_NAME.findall(code)}


def of_a_role(case: Case, named: set[str]) -> Iterator[Finding]:
    """`/owner/payouts` for any account, where other routes ask whether one is an owner."""
    route = case.route
    if case.access is not Access.CALLER or case.bound_by_rows or route.kind == "edge":
        return
    # Not `/doctors/:id`: that is about one, and not for them.
    parts = re.findall(r"/(\w+)(?=/[\w-])", route.path)
    role = next((one for one in parts if one.lower() in named), "")
    if (
        not role
        or not (route.writes or PRIVATE_PATH.search(route.path))
        or OF_ALL.search(route.path)
        or ASKS_CALLER.search(case.own)
        or tied(case)
    ):
        return
    if {name for name, _ in case.effects()} & {"write", "delete", "read"}:
        message = (
            f"{route.label} is for {role}, and asks only whether somebody is signed in "
            f"({case.why}); other routes look at that role"
        )
        yield finding("authz.missing-role-check", at_route(case), message)
