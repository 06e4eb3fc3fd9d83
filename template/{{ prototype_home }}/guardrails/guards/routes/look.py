"""The routes of JavaScript and TypeScript servers, and what each of them checks."""

import re
from collections.abc import Iterator
from dataclasses import replace

from ...engine.finding import Finding, NotLooked
from ...engine.guard import Looked
from ...engine.tree import Tree
from ..idle import less_grave, quieter, rank
from .facts.collect import collect
from .facts.platforms import edge_projects
from .facts.rows import page_rows, public_files, route_rows
from .facts.unread import unread
from .faults.accounts import accounts
from .faults.actors import actors
from .faults.assignment import mass_assignment
from .faults.boughtfor import bought_for
from .faults.callbacks import counted_again
from .faults.chosenprices import chosen_prices
from .faults.claimed import claimed
from .faults.claims import claims
from .faults.codes import told_codes
from .faults.columns import columns
from .faults.cookies import cookies, stored_unasked
from .faults.decisions import decisions
from .faults.declared import declared
from .faults.fetched import fetched
from .faults.foundpersons import found_persons
from .faults.halfasked import half_asked
from .faults.handedback import handed_back
from .faults.hashes import hashes
from .faults.holes import holes
from .faults.identity import identity
from .faults.inclear import in_clear
from .faults.includes import includes
from .faults.keyvalues import key_values
from .faults.mailedlinks import mailed_links
from .faults.mastercodes import master_codes
from .faults.mismatched import mismatched
from .faults.misplaced import misplaced
from .faults.namedowners import named_owners
from .faults.negatives import negatives
from .faults.nonumbers import no_numbers
from .faults.oauthstate import unasked_states
from .faults.openpages import open_pages
from .faults.operations import operations
from .faults.orders import orders
from .faults.organisations import organisations
from .faults.overlaps import overlaps
from .faults.overwritten import overwritten
from .faults.payments import payments
from .faults.persons import persons
from .faults.plans import plans
from .faults.preferred import preferred
from .faults.pretended import pretended
from .faults.purposes import purposes
from .faults.races import races
from .faults.records import records
from .faults.references import references
from .faults.refunds import refunds
from .faults.replaced import replaced
from .faults.settings import told_inside, told_settings
from .faults.sociallogins import social_logins
from .faults.sqltext import sql_texts
from .faults.states import states
from .faults.takings import takings
from .faults.tenants import tenants
from .faults.tokens import tokens
from .faults.unreserved import unreserved


def look(tree: Tree) -> Looked:
    program, cases = collect(tree)
    projects = list(edge_projects(program))
    found = [
        *holes(cases, projects),
        *identity(cases),
        *records(cases),
        *half_asked(cases),
        *key_values(cases),
        *replaced(cases),
        *purposes(cases),
        *in_clear(cases),
        *overwritten(cases),
        *references(cases),
        *cookies(cases),
        *mass_assignment(cases),
        *columns(cases),
        *named_owners(cases),
        *(one for case in cases for one in includes(case)),
        *(one for case in cases for one in unasked_states(case)),
        *stored_unasked(cases),
        *orders(cases),
        *payments(cases),
        *(one for case in cases for one in chosen_prices(case)),
        *bought_for(cases),
        *mismatched(cases),
        *counted_again(cases),
        *pretended(cases),
        *refunds(cases),
        *decisions(cases),
        *operations(program, cases),
        *races(cases),
        *overlaps(cases),
        *takings(cases),
        *unreserved(cases),
        *no_numbers(cases),
        *tenants(cases),
        *states(cases),
        *declared(cases),
        *social_logins(cases),
        *told_settings(cases),
        *told_inside(cases),
        *told_codes(cases),
        *master_codes(cases),
        *mailed_links(cases),
        *actors(cases),
        *hashes(cases),
        *claims(cases),
        *claimed(cases),
        *plans(cases),
        *fetched(cases),
        *sql_texts(cases),
        *(one for case in cases for one in found_persons(case)),
        *open_pages(program),
        *misplaced(program),
    ]
    found += negatives(cases, found)
    found = _apart(found, list(tokens(cases, found)))
    found += handed_back(cases, {it.place.symbol for it in found if it.rule == "authz.pii-exposed"})
    found += persons(cases, found)
    found += preferred(cases, found)
    found += organisations(cases, found)
    found += accounts(cases, found)
    found = [*_beside_open(_told_once(found))]
    quiet = {case.route.label for case in cases if not case.route.named}
    found = [less_grave(one) if one.place.symbol in quiet else one for one in found]
    unparsed = [NotLooked(path, "it could not be parsed") for path in program.unreadable]
    facts = {
        "routes": route_rows(program, cases, projects),
        "pages": list(page_rows(program)),
        "public_files": public_files(program),
    }
    return Looked(quieter(_once(found), program.unstarted), [*unparsed, *unread(tree)], facts)


def _apart(found: list[Finding], worse: list[Finding]) -> list[Finding]:
    """Of a function of which worse is known it is not said as well that it asks nobody."""
    known = {one.place.symbol for one in worse}
    asks = ("edge-fn.unauthenticated", "authz.unauthenticated-endpoint")
    return [one for one in found if one.rule not in asks or one.place.symbol not in known] + worse


def _told_once(found: list[Finding]) -> list[Finding]:
    """Who reaches anybody's record is not told as well that a role should have been asked for, nor
    a callback that believes whatever is posted that nobody asks the provider.
    """
    reached = {
        (one.path, one.line)
        for it in found
        if it.rule == "authz.idor"
        for one in (it.place, *it.also)
    }
    trusting = {it.place.symbol for it in found if it.rule == "edge-fn.webhook-unsigned"}
    return [
        it
        for it in found
        if (it.rule != "authz.missing-role-check" or (it.place.path, it.place.line) not in reached)
        and (it.rule != "payments.unverified" or it.place.symbol not in trusting)
    ]


def _beside_open(found: list[Finding]) -> Iterator[Finding]:
    """Whose addresses a list holds is a part of what is told where the list is open to anybody."""
    told = {
        (one.path, one.line)
        for it in found
        if it.rule in {"authz.unauthenticated-endpoint", "authz.none"}
        for one in (it.place, *it.also)
    }
    for it in found:
        beside = it.rule == "authz.pii-exposed" and any(
            (one.path, one.line) in told for one in it.also[:1]
        )
        yield less_grave(it) if beside else it


def _once(found: list[Finding]) -> Iterator[Finding]:
    """A file that several routes run through is judged with each of them, and the handlers of one
    address have the same fault together.
    """
    first: dict[tuple[str, str, int], Finding] = {}
    for one in found:
        place = (one.rule, one.place.path, one.place.line)
        known = first.get(place)
        first[place] = _reached_by_both(known, one) if known else one
    together: dict[object, list[Finding]] = {}
    for place, one in first.items():
        address = _address(one)
        key = (one.rule, one.place.path, address) if address else place
        together.setdefault(key, []).append(one)
    yield from map(_worst_of, together.values())


_OF_AN_ADDRESS = {
    "authz.idor", "authz.pii-exposed", "authz.client-supplied-identity", "authz.missing-role-check",
    "payments.client-price", "payments.unverified",
}  # fmt: skip


def _reached_by_both(known: Finding, other: Finding) -> Finding:
    """What two routes run through asks neither of them: who mends one is to see the other."""
    if other.rule != "authz.idor" or other.place.symbol in (known.place.symbol, ""):
        return known
    return replace(known, also=tuple(dict.fromkeys((*known.also, *other.also)))[:20])


def _address(one: Finding) -> str:
    """`/orders/:id` of `GET /orders/:id`; who is shown in a list is shown alone as well."""
    if one.rule not in _OF_AN_ADDRESS:
        return ""
    path = one.place.symbol.partition(" ")[2]
    return re.sub(r"/(?::\w+)?$", "", path) if one.rule == "authz.pii-exposed" else path


def _worst_of(same: list[Finding]) -> Finding:
    worst = max(same, key=rank)
    others = [one for one in same if one is not worst]
    if not others:
        return worst
    also = (*worst.also, *(place for one in others for place in (one.place, *one.also)))
    named = ", ".join(one.place.symbol.partition(" ")[0] for one in others)
    message = f"{worst.message}; the same holds for {named}"
    return replace(worst, message=message, also=tuple(dict.fromkeys(also))[:20])
