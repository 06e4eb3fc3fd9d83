"""Small questions asked of a syntax tree."""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from ....engine.finding import Evidence, Finding, Place, Severity
from .modules import Function, Module
from .walking import nodes_in

LONGEST_SNIPPET = 160
_COOKIES = {
    "set_cookie", "cookies", "Cookie", "APIKeyCookie", "CookieTransport", "SessionMiddleware",
    "login_user", "set_access_cookies", "HTTPBasic", "authenticate", "LoginManager",
}  # fmt: skip
_SECRET_TEXT = re.compile(
    r"""(["'])((?:(?!\1).){6,})\1(?=\s*[,)\]}]*\s*(?:#.*)?$)""",
)


def dotted(node: ast.AST | None) -> str:
    """`a.b.c` of a name or an attribute; a call in between is passed through (`a().b`)."""
    parts: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Await | ast.Subscript):
            node = node.value
        elif isinstance(node, ast.Name):
            return ".".join([node.id, *reversed(parts)])
        else:
            return ".".join(["", *reversed(parts)]) if parts else ""


def called(call: ast.AST) -> str:
    """The last part of what a call calls: `filter_by` of `A.query.filter_by(...)`."""
    if not isinstance(call, ast.Call):
        return ""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def chain(node: ast.AST) -> list[str]:
    """Every name along `a.b(...).c(...)`, outermost last."""
    names: list[str] = []
    while isinstance(node, ast.Attribute | ast.Call | ast.Await | ast.Subscript):
        if isinstance(node, ast.Attribute):
            names.append(node.attr)
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name):
        names.append(node.id)
    return names[::-1]


def text_of(node: ast.AST | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def key_of(node: ast.AST) -> str:
    """`x` of `data["x"]` and `data.get("x")` and `data.x`."""
    if isinstance(node, ast.Subscript):
        return text_of(node.slice) or ""
    if isinstance(node, ast.Call) and called(node) == "get" and node.args:
        return text_of(node.args[0]) or ""
    return node.attr if isinstance(node, ast.Attribute) else ""


def keyword(call: ast.Call, *names: str) -> ast.expr | None:
    return next((word.value for word in call.keywords if word.arg in names), None)


def argument(call: ast.Call, position: int, *names: str) -> ast.expr | None:
    found = keyword(call, *names)
    if found is None and len(call.args) > position:
        return call.args[position]
    return found


def is_true(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def names_in(node: ast.AST | None) -> set[str]:
    if node is None:
        return set()
    return {inner.id for inner in nodes_in(node) if isinstance(inner, ast.Name)}


def words_in(node: ast.AST) -> set[str]:
    """Names and attributes, for asking what an expression is about."""
    found = names_in(node)
    return found | {inner.attr for inner in nodes_in(node) if isinstance(inner, ast.Attribute)}


def strings_in(node: ast.AST) -> set[str]:
    return {
        inner.value
        for inner in nodes_in(node)
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str)
    }


def ends(branch: ast.If) -> bool:
    """Whether the function goes no further where the test is true."""
    return any(isinstance(inner, ast.Return | ast.Raise) for inner in branch.body)


def calls_in(node: ast.AST) -> Iterator[ast.Call]:
    return (inner for inner in nodes_in(node) if isinstance(inner, ast.Call))


def assigns_in(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    for inner in nodes_in(node):
        if isinstance(inner, ast.Assign):
            yield from ((target, inner.value) for target in inner.targets)
        elif isinstance(inner, ast.AnnAssign) and inner.value is not None:
            yield inner.target, inner.value


def assigned(node: ast.AST, name: str) -> list[ast.expr]:
    """What a name, or `a.b`, is given below the node."""
    return [value for target, value in assigns_in(node) if dotted(target) == name]


def target_name(node: ast.expr) -> str:
    """The name that is assigned to: of `app.config['X']` it is `X`, of `a.b` it is `b`."""
    if isinstance(node, ast.Subscript):
        return text_of(node.slice) or ""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def parameters(function: Function) -> list[tuple[ast.arg, ast.expr | None]]:
    """Each parameter with its default."""
    spec = function.args
    plain = [*spec.posonlyargs, *spec.args]
    missing: list[ast.expr | None] = [None] * (len(plain) - len(spec.defaults))
    pairs = list(zip(plain, [*missing, *spec.defaults], strict=True))
    return pairs + list(zip(spec.kwonlyargs, spec.kw_defaults, strict=True))


def handed(function: Function, call: ast.Call) -> dict[str, ast.expr]:
    """What a call gives to each parameter of the function that it calls; a method's own object
    stands before the dot.
    """
    taken = [item.arg for item, _ in parameters(function)]
    bound = taken[:1] in (["self"], ["cls"]) and isinstance(call.func, ast.Attribute)
    given = dict(zip(taken[bound:], call.args, strict=False))
    return given | {word.arg: word.value for word in call.keywords if word.arg}


@lru_cache(maxsize=4096)
def own_body(function: Function) -> tuple[ast.AST, ...]:
    """The nodes of a function's body, not its decorators and defaults."""
    return tuple(node for statement in function.body for node in nodes_in(statement))


def matching(names: Iterable[str], pattern: "re.Pattern[str]") -> bool:
    return any(pattern.search(name) for name in names)


def place(module: Module, node: ast.AST | int, symbol: str = "", *, secret: bool = False) -> Place:
    line = node if isinstance(node, int) else getattr(node, "lineno", 0)
    text = module.lines[line - 1].strip() if 0 < line <= len(module.lines) else ""
    if secret:
        text = _SECRET_TEXT.sub(lambda found: f"{found[1]}…{found[1]}", text)
    if not symbol and isinstance(node, ast.AST):
        symbol = module.owner(node)
    return Place(module.path, line, snippet=text[:LONGEST_SNIPPET], symbol=symbol)


def found(
    rule: str,
    module: Module,
    node: ast.AST | int,
    message: str,
    *,
    severity: Severity | None = None,
    evidence: Evidence = Evidence.READ,
    symbol: str = "",
    secret: bool = False,
    also: Iterable[Place] = (),
) -> Finding:
    where = place(module, node, symbol, secret=secret)
    return Finding(rule, where, message, severity, evidence, tuple(also))


def uses_cookies(modules: Iterable[Module]) -> bool:
    """Whether a cookie, a session or HTTP's own log-in tells who is calling."""
    return any(
        (isinstance(node, ast.Name) and node.id in _COOKIES)
        or (isinstance(node, ast.Attribute) and node.attr in _COOKIES)
        or (isinstance(node, ast.Subscript) and dotted(node.value).endswith("session"))
        for module in modules
        for node in module.nodes
    )
