"""What a caller may say about themselves: a role at registration, columns no form shows."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Place
from ..facts.allow_lists import let_through
from ..facts.handlers import Handler, comes_from, fields_of
from ..facts.modules import Module
from ..facts.passed import Passed, behind
from ..facts.refusals import refuses
from ..facts.syntax import (
    assigned,
    assigns_in,
    called,
    dotted,
    found,
    key_of,
    names_in,
    own_body,
    parameters,
    place,
    strings_in,
    text_of,
    words_in,
)
from ..facts.walking import nodes_in

POWERS = re.compile(
    r"^((user_?)?roles?(_?(level|name|id))?|is_admin|is_superuser|is_staff|user_type|permissions?"
    r"|account_type|isAdmin|access_?level|admin_level)$"
)
_MINE = re.compile(
    r"^(role|roles|is_admin|is_superuser|is_staff|permissions?|balance|credits?|wallet|plan|"
    r"is_premium|is_verified|verified|points|subscription|tier|tenant_id|company_id|org_id|"
    r"owner_id)$"
)
_SIGNS_UP = re.compile(r"regist|sign_?-?up|users?\b|create_account", re.IGNORECASE)
_HIGH_ROLE = re.compile(r"admin|superuser|staff|owner|manager|root", re.IGNORECASE)


def look(handler: Handler, roles: bool) -> Iterator[tuple[Finding, ast.AST]]:
    yield from _self_assigned(handler, roles)
    yield from _mass_assigned(handler)


def _self_assigned(handler: Handler, roles: bool) -> Iterator[tuple[Finding, ast.AST]]:
    """A role that whoever signs up chooses."""
    name = f"{handler.route.path} {handler.function.name}"
    open_ = {handler.route.before, handler.route.access} == {"public"}
    if not (roles and open_ and handler.route.writes and _SIGNS_UP.search(name)):
        return
    if re.search(r"log_?-?in|sign_?-?in", name, re.IGNORECASE):
        return
    for key, value in _given(handler):
        number = isinstance(value, ast.Call) and called(value) == "int" and value.args
        sent = value.args[0] if isinstance(value, ast.Call) and number else value
        if not POWERS.match(key) or not comes_from(sent, handler.inputs):
            continue
        if _of_the_row(handler, sent):
            continue
        if (
            is_limited(handler, behind=True)
            or _decided(handler, value)
            or not _asked_for(handler, sent)
        ):
            continue
        yield found(
            "authz.self-assigned-role", handler.module, value,
            f"{handler.route.label}: whoever registers chooses their own {key}.",
            symbol=handler.function.name,
            also=[
                *_read_at(handler, value),
                place(handler.module, handler.route.line, handler.function.name),
            ],
        ), handler.function  # fmt: skip
        return
    for module, key, value in _handed_on(handler) if not is_limited(handler) else ():
        yield found(
            "authz.self-assigned-role", module, value,
            f"{handler.route.label}: whoever registers chooses their own {key}.",
            symbol=handler.function.name,
            also=[place(handler.module, handler.route.line, handler.function.name)],
        ), handler.function  # fmt: skip
        return


def _of_the_row(handler: Handler, value: ast.expr) -> bool:
    """`user.role.value`, of the row that was made above: what it was given is looked at there."""
    held = dotted(value).partition(".")[0] if isinstance(value, ast.Attribute) else ""
    made = assigned(handler.function, held) if held else []
    return bool(made) and all(called(one)[:1].isupper() for one in made)


_POWERISH = re.compile(
    r"rol|admin|super|staff|type|permi|level|scope|tipo|perfil|dict$|model_dump$", re.IGNORECASE
)
_LONGEST_WAY = 3


def _asked_for(handler: Handler, value: ast.AST, left: int = _LONGEST_WAY) -> bool:
    """Whether it is the role that the request names, and not only made of something else of it:
    `roles=[owner]`, of the roles that were made for `data.industry`.
    """
    names = names_in(value)
    told = {key_of(node) for node in nodes_in(value)} | {
        name for name in names if name in {item.arg for item, _ in parameters(handler.function)}
    }
    if any(_POWERISH.search(word) for word in told):
        return True
    before = [given for target, given in assigns_in(handler.function) if names_in(target) & names]
    return left > 0 and any(_asked_for(handler, one, left - 1) for one in before)


def _decided(handler: Handler, value: ast.expr) -> bool:
    """`is_admin = is_listed(body.email)`: a test of the server's own says so, or who gives it is
    signed in.
    """
    if _known_by_then(handler, value):
        return True
    made = [value, *(one for target, one in assigns_in(handler.function) if _same(target, value))]
    for call in made:
        meant = handler.project.resolve(handler.module, dotted(call)) if called(call) else None
        if meant and isinstance(meant.node, ast.FunctionDef | ast.AsyncFunctionDef):
            answers = [node.value for node in own_body(meant.node) if isinstance(node, ast.Return)]
            if answers and all(isinstance(one, ast.Compare | ast.BoolOp) for one in answers):
                return True
    return False


def _known_by_then(handler: Handler, value: ast.expr) -> bool:
    """`if not me: raise HTTPException(401)` above, where `me` is nothing that the request says:
    the first account is anybody's, and the ones after it are made by who is signed in.
    """
    named = {parameter.arg for parameter, _ in parameters(handler.function)}
    return any(
        isinstance(step, ast.If)
        and step.lineno < value.lineno
        and isinstance(step.test, ast.UnaryOp)
        and isinstance(step.test.operand, ast.Name)
        and step.test.operand.id in named
        and not comes_from(step.test.operand, handler.inputs)
        and any(refuses(inner, handler.function) for inner in step.body)
        for step in handler.function.body
    )


def _same(target: ast.expr, value: ast.expr) -> bool:
    return isinstance(target, ast.Name) and dotted(target) == dotted(value)


def _read_at(handler: Handler, value: ast.expr) -> list[Place]:
    """Where the request is asked for it, when that is not where it is kept."""
    taken = assigned(handler.function, dotted(value))
    return [place(handler.module, one) for one in taken if comes_from(one, handler.inputs)][:1]


def _handed_on(handler: Handler) -> Iterator[tuple[Module, str, ast.expr]]:
    """`create_user(db, body)`: a function of the project takes the role out of the body, or keeps
    the body as it is.
    """
    for passed in behind(handler):
        bodies = {name for name, _, _ in passed.models}
        if not bodies or any(
            isinstance(node, ast.Compare) and _keeps_out(handler, node) for node in passed.body
        ):
            continue
        for row in passed.calls:
            for word in row.keywords if called(row)[:1].isupper() else ():
                owner, _, last = dotted(word.value).rpartition(".")
                if word.arg is None:
                    yield from _whole_of(passed, row, word.value)
                elif owner in bodies and POWERS.match(word.arg) and POWERS.match(last):
                    yield passed.module, last, word.value


def _whole_of(
    passed: Passed, row: ast.Call, value: ast.expr
) -> Iterator[tuple[Module, str, ast.expr]]:
    """`User(**body.model_dump(exclude={"password"}))`, where the body may name a role."""
    if not isinstance(value, ast.Call) or called(value) not in {"dict", "model_dump"}:
        return
    without = strings_in(value) | {word.arg for word in row.keywords if word.arg}
    if any(word.arg == "include" for word in value.keywords):
        return
    for name, module, model in passed.models:
        if name == dotted(value).partition(".")[0]:
            for key in fields_of(passed.project, module, model):
                if POWERS.match(key) and key not in without:
                    yield passed.module, key, value


_SIGNS = re.compile(r"token|^encode$|jwt", re.IGNORECASE)
"""A token repeats what the row says."""


def _given(handler: Handler) -> Iterator[tuple[str, ast.expr]]:
    """Every `key=value` and `"key": value` that a new row is made of."""
    answered = {
        inner
        for node in handler.body
        if (isinstance(node, ast.Return) and node.value is not None) or _SIGNS.search(called(node))
        for inner in nodes_in(node)
    }
    for call in handler.calls:
        yield from inserted(call)
        for word in call.keywords if call not in answered else ():
            if word.arg:
                yield word.arg, word.value
            else:
                yield from splatted(handler, word.value)
    for node in handler.body:
        if isinstance(node, ast.Dict) and node not in answered:
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, value


_INSERT = re.compile(
    r"^\s*insert\s+(?:or\s+\w+\s+)?into\s+[\w.\"`]+\s*\(([^)]*)\)\s*values\s*\((.*)\)",
    re.IGNORECASE | re.DOTALL,
)
_PLACE = re.compile(r"^(\?|%s|\$\d+)$")


def inserted(call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """The columns of `INSERT INTO users (name, role) VALUES (?, ?)`, with what goes in."""
    if called(call) != "execute" or len(call.args) < 2:
        return
    said = _INSERT.match(text_of(call.args[0]) or "")
    given = call.args[1]
    if said is None or not isinstance(given, ast.Tuple | ast.List):
        return
    columns = [one.strip(' "`\n\t') for one in said[1].split(",")]
    places = [one.strip() for one in said[2].split(",")]
    filled = [name for name, one in zip(columns, places, strict=False) if _PLACE.match(one)]
    yield from zip(filled, given.elts, strict=False)


def splatted(handler: Handler, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """`User(**payload.model_dump())`: every field of the payload's model."""
    if called(value) not in {"dict", "model_dump"} or (
        isinstance(value, ast.Call) and (value.keywords and value.keywords[0].arg == "exclude")
    ):
        return
    for name, module, model in handler.models:
        if name in names_in(value):
            for key in fields_of(handler.project, module, model):
                yield key, value


def is_limited(handler: Handler, *, behind: bool = False) -> bool:
    """The role is compared with a list without administrators, or its type allows none: here, or
    in what is called as well.
    """
    looked_at = [function for _, function in handler.reached()] if behind else [handler.function]
    return any(
        isinstance(node, ast.Compare) and _keeps_out(handler, node)
        for function in looked_at
        for node in own_body(function)
    ) or any(_narrow(handler, module, model) for _, module, model in handler.models)


def _keeps_out(handler: Handler, test: ast.Compare) -> bool:
    """`role in ("buyer", "seller")`, or `if role == "admin": raise`."""
    about = words_in(test.left) | {key_of(test.left)} | strings_in(test.left)
    if not about & {"role", "user_type", "account_type"}:
        return False
    choices = set().union(*(strings_in(side) for side in test.comparators))
    for name in names_in(test.comparators[0]):
        meant = handler.project.resolve(handler.module, name)
        choices |= strings_in(meant.node) if meant.node is not None else set()
    high = any(_HIGH_ROLE.search(text) for text in choices)
    if isinstance(test.ops[0], ast.In | ast.NotIn):
        return bool(choices) and not high
    return high and isinstance(test.ops[0], ast.Eq) and _blocks(handler, test)


def _blocks(handler: Handler, test: ast.Compare) -> bool:
    return any(
        isinstance(node, ast.If)
        and node.test is test
        and any(isinstance(inner, ast.Raise | ast.Return) for inner in node.body)
        for node in handler.body
    )


def _narrow(handler: Handler, module: Module, model: ast.ClassDef) -> bool:
    for key, item in fields_of(handler.project, module, model).items():
        if not POWERS.match(key):
            continue
        texts = strings_in(item)
        for name in names_in(item.annotation):
            meant = handler.project.resolve(module, name)
            if isinstance(meant.node, ast.ClassDef | ast.Assign):
                texts |= strings_in(meant.node)
        is_closed = bool(names_in(item.annotation) - {"str", "Optional", "List", "list", "bool"})
        if (is_closed or (item.value is not None and "pattern" in words_in(item))) and not any(
            _HIGH_ROLE.search(text) for text in texts
        ):
            return True
    return False


def _mass_assigned(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    if handler.route.access == "role":
        return
    kept = let_through(handler) if handler.route.writes and handler.writes else None
    if kept is not None and handler.uses_user and handler.route.access == "caller":
        yield found(
            "authz.mass-assignment", handler.module, kept[0],
            f"{handler.route.label}: what the caller may set of a row includes {kept[1]}.",
            symbol=handler.function.name,
        ), handler.function  # fmt: skip
        return
    for node in handler.body:
        source = _set_from(node)
        if source is None or not _from_body(handler, source):
            continue
        powers = _powers_of(handler, source)
        if powers is None:
            continue
        what = f", {powers} too" if powers else ", whatever it holds"
        yield found(
            "authz.mass-assignment", handler.module, node,
            f"{handler.route.label} copies every field of the request into the row{what}.",
            symbol=handler.function.name,
        ), handler.function  # fmt: skip
        return


def _set_from(node: ast.AST) -> ast.expr | None:
    """What is copied whole: the source of a setattr loop, of `Model(**x)`, of `{"$set": x}`."""
    if isinstance(node, ast.For) and any(called(call) == "setattr" for call in nodes_in(node)):
        return node.iter
    if isinstance(node, ast.Call) and called(node)[:1].isupper():
        return next((word.value for word in node.keywords if word.arg is None), None)
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "$set":
                return value
    return None


def _from_body(handler: Handler, source: ast.expr) -> bool:
    made = assigned(handler.function, dotted(source))
    written = [source, *(made if isinstance(source, ast.Name) else ())]
    if any(isinstance(one, ast.Dict) and None not in one.keys for one in written):
        return False
    return comes_from(source, handler.inputs)


def _powers_of(handler: Handler, source: ast.expr) -> str | None:
    """The fields that nobody may set about themselves; "" when any field goes, None when none."""
    text = ast.dump(source)
    for name, module, model in handler.models:
        if name in handler.inputs and (name in text or _derived(handler, source, name)):
            powers = sorted(filter(_MINE.match, fields_of(handler.project, module, model)))
            return ", ".join(powers) or None
    if handler.route.kind == "fastapi" and not _is_raw(handler, source):
        return None
    return None if _filtered(handler) else ""


def _derived(handler: Handler, source: ast.expr, name: str) -> bool:
    return any(
        isinstance(node, ast.Assign)
        and names_in(node.targets[0]) & names_in(source)
        and name in names_in(node.value)
        for node in handler.body
    )


def _is_raw(handler: Handler, source: ast.expr) -> bool:
    """A body that is a plain dict."""
    for parameter in [*handler.function.args.args, *handler.function.args.kwonlyargs]:
        if parameter.arg in names_in(source) and parameter.annotation is not None:
            return bool({"dict", "Dict"} & words_in(parameter.annotation))
    return False


def _filtered(handler: Handler) -> bool:
    """The keys are picked one by one, or tested against a list."""
    if any(isinstance(node, ast.DictComp) for node in handler.body):
        return True
    return any(
        isinstance(node, ast.Compare)
        and isinstance(node.ops[0], ast.In | ast.NotIn)
        and names_in(node.left) & {"key", "k", "field", "attr", "name"}
        for node in handler.body
    ) or any(called(call) in {"hasattr", "load", "validate", "pop"} for call in handler.calls)
