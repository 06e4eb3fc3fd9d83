"""Who reaches what they should not: the rules about authorization."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from ....engine.finding import Finding, Severity
from ..facts import meant
from ..facts.access import Gatekeeper, is_login
from ..facts.deciding import decided_by_user
from ..facts.handlers import Handler
from ..facts.kept import kept_for_callers, of_the_session
from ..facts.modules import Project, is_script
from ..facts.narrowing import narrowed_to_callers
from ..facts.newcomers import serves_many
from ..facts.refusals import asked_about
from ..facts.routes import RouteTable
from ..facts.shared import rows_for_all, rows_listed
from ..facts.storing import is_query
from ..facts.syntax import called, dotted, found, place, strings_in, words_in
from . import (
    acts,
    asked_of_some,
    assignment,
    claimed,
    claimed_accounts,
    contacts,
    failopen,
    in_the_name,
    kinds,
    never,
    own_rows,
    prices,
    promotes,
    relays,
    said_of,
    served_files,
    settled,
    sockets,
    told_paid,
    told_settings,
    unset,
)
from .commented import commented_out
from .harm import ADMIN, harm
from .left_open import left_open
from .leftovers import left_over
from .looked_up import handed_on
from .ownership import (
    PERSONAL,
    any_file,
    changed_unasked,
    foreign_rows,
    is_owned,
)
from .set_apart import Apart, reached_anyway
from .tenants import Part, across, divided, for_a_tenant, given_back

_SOMEBODY_ELSES = {"authz.idor", "authz.client-supplied-identity"}
"""Whoever mends one of these mends the role that is not asked for, too."""
_PER_TREE = 40


def look(table: RouteTable, keeper: Gatekeeper) -> Iterator[Finding]:
    handlers = [
        Handler(table.project, keeper, route)
        for route in table.routes
        if route.served and not is_script(route.module.path)
    ]
    roles_matter = _knows_roles(table.project)
    shown, listed = rows_for_all(handlers), rows_listed(handlers)
    narrowed = narrowed_to_callers(handlers)
    everybodys = {name for name in listed if not PERSONAL.search(name)}
    kept = kept_for_callers(handlers, narrowed) - everybodys
    for handler in handlers:
        handler.kept, handler.narrowed = kept, narrowed
    parts = divided(table.project)
    seen: set[tuple[str, ast.AST]] = set()
    every = [
        one for handler in handlers for one in _of_handler(handler, roles_matter, shown, listed)
    ]
    every += _beside(handlers, every, parts, shown)
    roles = kinds.roles_of(table.project) if roles_matter else set()
    every += [one for handler in handlers for one in kinds.listed_for_the_rest(handler, roles)]
    every += _half_asked(handlers, every)
    chosen = {node for finding, node in every if finding.rule == "authz.self-assigned-role"}
    open_ = list(_open(handlers, chosen))
    yield from open_
    told = {node for finding, node in every if finding.rule in _SOMEBODY_ELSES}
    beside = [(finding, node) for finding, node in left_open(handlers) if node not in told]
    beside += sockets.look(table.project, keeper, handlers)
    open_to_all = set(_functions_at(handlers, open_))
    beside += in_the_name.for_nobody(handlers, told | open_to_all)
    beside += left_over(handlers, told | open_to_all)
    rest = [handler for handler in handlers if handler.function not in told | open_to_all]
    beside += [one for handler in rest for one in claimed.or_as_said(handler)]
    named = _functions_at(handlers, [one for one, _ in every if one.rule in _SOMEBODY_ELSES])
    known = told | open_to_all | set(named)
    beside += _where_nothing_is_known(handlers, known, Apart(handlers, shown))
    beside += served_files.look(handlers)
    beside += relays.look(handlers, told | open_to_all)
    for finding, node in [*every, *beside]:
        if (finding.rule, node) not in seen:
            seen.add((finding.rule, node))
            yield finding
    yield from failopen.look(table.project)
    yield from unset.look(table.project)
    yield from claimed.look(table.project, handlers)
    for module in {handler.module.path: handler.module for handler in handlers}.values():
        yield from acts.hardcoded_principal(module)
        yield from commented_out(module, [h.function for h in handlers if h.module is module])


def _where_nothing_is_known(
    handlers: list[Handler], known: set[ast.AST], apart: Apart
) -> Iterator[tuple[Finding, ast.AST]]:
    rest = [handler for handler in handlers if handler.function not in known]
    for handler in rest:
        yield from reached_anyway(handler, apart)
    for say in (contacts.look, claimed_accounts.look, told_settings.look):
        for handler in rest:
            yield from say(handler)


def _beside(
    handlers: list[Handler],
    told: list[tuple[Finding, ast.AST]],
    parts: dict[str, set[Part]],
    shown: set[str],
) -> list[tuple[Finding, ast.AST]]:
    """Rows of another part of the organization, where nothing else is said of the handler."""
    known = {node for one, node in told if one.rule in _SOMEBODY_ELSES}
    files: dict[tuple[str, object], list[tuple[Finding, ast.AST]]] = defaultdict(list)
    for handler in handlers:
        if handler.route.access in {"caller", "role"} and handler.function not in known:
            for one in across(handler, parts, shown) if not handler.asks_about_row else ():
                files[handler.module.path, one[0].severity].append(one)
    return [_of_one_file(of_file) for of_file in files.values()]


def _half_asked(
    handlers: list[Handler], told: list[tuple[Finding, ast.AST]]
) -> list[tuple[Finding, ast.AST]]:
    known = {node for finding, node in told if finding.rule in _SOMEBODY_ELSES}
    apart = asked_of_some.kept_apart(handlers)
    rest = (handler for handler in handlers if handler.function not in known)
    return [one for handler in rest for one in asked_of_some.asked_of_some(handler, apart)]


def _of_one_file(told: list[tuple[Finding, ast.AST]]) -> tuple[Finding, ast.AST]:
    """The same of several routes of a file: one fault, and one place to mend it."""
    (first, node), *others = told
    if not others:
        return first, node
    also = tuple(one.place for one, _ in others)
    more = f"{first.message.rstrip('.')}, and {len(also)} more of this file don't either."
    return replace(first, message=more, also=(*first.also, *also[:_PER_TREE])), node


def _functions_at(handlers: list[Handler], findings: list[Finding]) -> Iterator[ast.AST]:
    """The handlers that findings are of."""
    places = {(at.path, at.line) for one in findings for at in (one.place, *one.also)}
    for handler in handlers:
        if (handler.module.path, handler.route.line) in places:
            yield handler.function


def _of_handler(
    handler: Handler, roles: bool, shown: set[str], listed: set[str]
) -> Iterator[tuple[Finding, ast.AST]]:
    yield from assignment.look(handler, roles)
    done = list(acts.look(handler))
    yield from done
    lines = {finding.place.line for finding, _ in done}
    yield from (one for one in own_rows.look(handler, roles) if one[0].place.line not in lines)
    yield from told_paid.look(handler)
    yield from settled.look(handler)
    yield from prices.look(handler)
    if roles:
        yield from _makes_staff(handler)
        yield from promotes.look(handler)
    if handler.route.access in {"caller", "role"}:
        yield from never.look(handler)
        yield from kinds.one_kind_only(handler)
        yield from kinds.any_of_a_kind(handler)
        yield from kinds.listed_for_a_kind(handler)
    if handler.route.access == "caller":
        yield from _first_of(
            _admin_by_login(handler, roles),  # and the rows of others follow from it
            foreign_rows(handler, shown, listed),
            in_the_name.look(handler),
            changed_unasked(handler),
            handed_on(handler, shown),
            any_file(handler),
            given_back(handler),
            for_a_tenant(handler),
            said_of.look(handler),
        )


def _first_of(
    *looks: Iterator[tuple[Finding, ast.AST]],
) -> Iterator[tuple[Finding, ast.AST]]:
    """The first thing found: the same fault shows in more than one way."""
    for look_ in looks:
        for one in look_:
            yield one
            return


# nobody is asked


_STAFFS = re.compile(r"(^|[/_-])(admin|staff|superuser|moderator)s?([/_-]|$)", re.IGNORECASE)
_VETTED = re.compile(
    r"invit|approv|pending|whitelist|allow_?list|^count$|is_active|"
    r"(admin|access|registration|setup|staff)_?(key|code|secret)",
    re.IGNORECASE,
)


def _makes_staff(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """`POST /admin/register` for whoever comes: the account is one of the staff's."""
    route = handler.route
    name = f"{route.path} {route.function.name}"
    signs_up = re.search(r"regist|sign_?-?up", name, re.IGNORECASE)
    if not (signs_up and _STAFFS.search(route.path) and route.writes and handler.writes):
        return
    if route.access != "public" or route.stated or meant.first_start(handler, name):
        return
    reached = [function for _, function in handler.reached()]
    told = {word for it in reached for word in words_in(it) | strings_in(it)}
    if any(_VETTED.search(word) for word in told):
        return
    yield found(
        "authz.unauthenticated-endpoint", route.module, route.line,
        f"{route.label} makes an account of the staff's for whoever asks.",
        symbol=route.function.name,
    ), route.function  # fmt: skip


def _open(handlers: list[Handler], told: set[ast.AST]) -> Iterator[Finding]:
    """Routes that ask nobody; of those in `told` there is worse to say."""
    grouped: dict[ast.AST, Handler] = {}
    for handler in sorted(filter(_is_open, handlers), key=lambda one: not one.route.writes):
        if handler.function not in told:
            grouped.setdefault(handler.function, handler)
    chosen = [(handler, severity) for handler in grouped.values() if (severity := harm(handler))]
    if not chosen:
        return
    if not any(h.route.access in {"caller", "role", "secret"} for h in handlers):
        yield _nobody_asked(handlers, chosen)
        return
    asking = {h.module.path for h in handlers if h.route.access not in {"public", "unknown"}}
    files: dict[str, list[tuple[Handler, Severity]]] = defaultdict(list)
    for one in chosen:
        files[one[0].module.path].append(one)
    for path, of_file in files.items():
        if path in asking or len(of_file) == 1:
            yield from (_open_route(*one) for one in of_file)
        else:
            yield _open_file(of_file)


def _open_file(chosen: list[tuple[Handler, Severity]]) -> Finding:
    """A file of which no route asks: one fault, and one place to mend it."""
    worst = max(chosen, key=lambda one: one[1])
    told = _open_route(*worst)
    also = [
        place(handler.module, handler.route.line, handler.function.name)
        for handler, _ in chosen
        if handler is not worst[0]
    ]
    more = f"{told.message.rstrip('.')}, and {len(also)} more routes of this file don't either."
    return replace(told, message=more, also=tuple(also[:_PER_TREE]))


def _is_open(handler: Handler) -> bool:
    route = handler.route
    if route.access != "public" or route.stated or of_the_session(handler):
        return False
    return not is_login(route) or meant.takes_over(handler, f"{route.path} {route.function.name}")


def _open_route(handler: Handler, severity: Severity) -> Finding:
    route = handler.route
    resets = meant.takes_over(handler, f"{route.path} {route.function.name}")
    there = meant.password_set(handler) if resets else None
    told = "what is for administrators" if severity is Severity.HIGH else "personal data"
    links = route.writes or acts.harm_of_a_link(handler)
    what = "changes data" if links else f"hands out {told}"
    why = ""
    if any(re.search(r"required|auth|admin", dotted(node)) for node in route.too_high):
        why = f" (the check stands above the route: Flask registers {route.function.name} without)"
    return found(
        "authz.unauthenticated-endpoint", route.module, route.line,
        f"{route.label} ({route.function.name}) {what} and asks nobody who they are{why}.",
        severity=severity, symbol=route.function.name,
        also=[place(*there)] if there else [],
    )  # fmt: skip


def _nobody_asked(handlers: list[Handler], chosen: list[tuple[Handler, Severity]]) -> Finding:
    named = {handler.function for handler, _ in chosen}
    beside = [one for one in handlers if _is_open(one) and _touches_people(one)]
    open_ = [one for one, _ in chosen] + [one for one in beside if one.function not in named]
    places = [place(one.module, one.route.line, one.function.name) for one in open_]
    has_login = any(is_login(handler.route) for handler in handlers)
    login = " There is a login, but no route asks for it." if has_login else ""
    first = chosen[0][0].route
    return found(
        "authz.none", first.module, first.line,
        f"No route of this service asks who is calling: {len(chosen)} of {len(handlers)} change or "
        f"hand out data, {first.label} for one.{login}",
        severity=max(severity for _, severity in chosen),
        symbol=first.function.name, also=places[1:_PER_TREE],
    )  # fmt: skip


def _touches_people(handler: Handler) -> bool:
    """What would be a guest's to do, or to see, in a service that asks the others who they are."""
    told = PERSONAL.search(meant.told_of(handler)) is not None
    return handler.writes if handler.route.writes else handler.reads and told


# the wrong person


def _admin_by_login(handler: Handler, roles: bool) -> Iterator[tuple[Finding, ast.AST]]:
    route = handler.route
    admin = ADMIN.search(route.path) or ADMIN.search(route.function.name)
    if not roles or not admin or is_login(route) or not serves_many(handler):
        return
    if _looks_at_caller(handler) or not (handler.writes or handler.reads):
        return
    yield found(
        "authz.missing-role-check", route.module, route.line,
        f"{route.label} is for administrators, and any account may call it.",
        severity=None if route.writes or _shows_rows(handler) else Severity.MEDIUM,
        symbol=route.function.name,
    ), route.function  # fmt: skip


_ROWS = {
    "all", "first", "one", "paginate", "get_or_404", "to_list", "find", "find_one", "fetchall",
    "fetchone", "scalars", "get", "execute", "aggregate", "fetch",
}  # fmt: skip


def _shows_rows(handler: Handler) -> bool:
    """Rows of somebody's own, and not only how many there are."""
    return not kinds.rows_of_nobody(handler) and any(
        called(call) in _ROWS and is_owned(handler, call) for call in handler.all_calls
    )


def _looks_at_caller(handler: Handler) -> bool:
    """Whether who calls decides what is done, or whose rows are shown; that they are looked up to
    be greeted, or for a log, does not.
    """
    if decided_by_user(handler):
        return True
    return any(
        is_query(call) and called(call) != "get" and handler.of_the_user(argument)
        for call in handler.calls
        for argument in [*call.args, *(word.value for word in call.keywords)]
    )


_ROLE = re.compile(
    r"^((user_?)?role(_?level)?|is_admin|is_superuser|is_staff|access_?level|admin_level)$"
)
_KIND = re.compile(r"^(user_?type|account_?type)$", re.IGNORECASE)
_TRUSTED = re.compile(r"^(super_?)?(admin\w*|root|moderator|staff)$", re.IGNORECASE)


def _knows_roles(project: Project) -> bool:
    return any(_asks_role(node) for module in project.service for node in module.nodes)


def _asks_role(node: ast.AST) -> bool:
    """`me.role == …`, `session["role"]` in a test; a kind of account where one of them is trusted:
    `session.get("user_type") != "Admin"`.
    """
    if not isinstance(node, ast.Compare | ast.Attribute):
        return False
    if any(_ROLE.match(word) for word in words_in(node)):
        return True
    if not isinstance(node, ast.Compare):
        return False
    asked = asked_about(node.left)
    kinds = any(map(_KIND.match, asked)) and any(map(_TRUSTED.match, strings_in(node)))
    return kinds or any(map(_ROLE.match, asked))
