"""The routes of JavaScript and TypeScript servers, and what each of them checks."""

from collections.abc import Iterator

from ...engine.finding import Finding, NotLooked
from ...engine.guard import Looked
from ...engine.tree import Tree
from ..idle import quieter
from .accounts import accounts
from .assignment import mass_assignment
from .collect import collect
from .cookies import cookies, stored_unasked
from .declared import declared
from .holes import holes
from .identity import identity
from .includes import includes
from .operations import operations
from .orders import orders
from .payments import payments
from .platforms import edge_projects
from .races import races
from .references import references
from .refunds import refunds
from .rows import page_rows, public_files, route_row
from .takings import takings
from .tenants import tenants


def look(tree: Tree) -> Looked:
    program, cases = collect(tree)
    projects = list(edge_projects(program))
    found = [
        *holes(cases, projects),
        *identity(cases),
        *references(cases),
        *cookies(cases),
        *mass_assignment(cases),
        *(one for case in cases for one in includes(case)),
        *stored_unasked(cases),
        *orders(cases),
        *payments(cases),
        *refunds(cases),
        *operations(program, cases),
        *races(cases),
        *takings(cases),
        *tenants(cases),
        *declared(cases),
    ]
    found += accounts(cases, found)
    unread = [NotLooked(path, "it could not be parsed") for path in program.unreadable]
    facts = {
        "routes": [route_row(case, projects) for case in cases],
        "pages": list(page_rows(program)),
        "public_files": public_files(program),
    }
    return Looked(quieter(_once(found), program.unstarted), unread, facts)


def _once(found: list[Finding]) -> Iterator[Finding]:
    """A file that several routes run through is judged with each of them."""
    seen: set[tuple[str, str, int]] = set()
    for one in found:
        key = (one.rule, one.place.path, one.place.line)
        if key not in seen:
            seen.add(key)
            yield one
