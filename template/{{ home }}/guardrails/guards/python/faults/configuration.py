"""How the service is started and what it shows to browsers."""

import ast
import re
from collections.abc import Iterable, Iterator

from ....engine.finding import Evidence, Finding, Place, Severity
from ..facts.modules import Module, Project, is_script
from ..facts.routes import Router, RouteTable
from ..facts.syntax import (
    argument,
    called,
    dotted,
    found,
    is_true,
    keyword,
    names_in,
    place,
    strings_in,
    target_name,
    text_of,
    uses_cookies,
    words_in,
)
from ..facts.walking import nodes_in

_EVERY_ADDRESS = {"0.0.0.0", "::"}  # noqa: S104
_ANY_HOST_PATTERN = re.compile(
    r"^\^?(https?|https\?)://\(?(\.[*+]|\[[^\]]+\][*+]|\.\*\\?\.)\??\)?"
    r"(\\?\.(vercel|netlify|herokuapp|onrender|railway|replit|lovable|github|web|pages|fly)|\$?$|:)"
    r"|^\.\*$",
)


def look(table: RouteTable) -> Iterator[Finding]:
    for module in table.project.modules:
        if is_script(module.path):
            continue
        yield from _debug(table.project, module)
        yield from _cors(table.project, module)
        yield from _debug_logging(module, module in table.project.service)
        yield from _cookies(module)
    yield from _docs(table)


_AT_HOME = re.compile(r"dev|test|local|debug", re.IGNORECASE)


def _cookies(module: Module) -> Iterator[Finding]:
    """`SESSION_COOKIE_SECURE = False`, where nothing else says so for those who use it."""
    said = [(node, is_true(value)) for node in module.nodes for value in _secure(node)]
    if any(on for _, on in said):
        return
    for node, _ in said:
        holder = next((one for one in module.classes if node in one.body), None)
        if holder is None or not _AT_HOME.search(holder.name):
            yield found(
                "auth.insecure-cookie", module, node,
                "The cookie of the session is sent without TLS, too.",
            )  # fmt: skip
            return


def _secure(node: ast.AST) -> Iterator[ast.expr]:
    """The constant, if it is one: what the environment says isn't known here."""
    name, value = "", None
    if isinstance(node, ast.Assign):
        name, value = target_name(node.targets[0]), node.value
    elif isinstance(node, ast.keyword):
        name, value = node.arg or "", node.value
    if name in {"SESSION_COOKIE_SECURE", "JWT_COOKIE_SECURE"} and isinstance(value, ast.Constant):
        yield value


_STARTS_IT = re.compile(
    r"(^|/)(Procfile|Dockerfile[^/]*|railway\.(json|toml)|render\.ya?ml|nixpacks\.toml|fly\.toml"
    r"|app\.ya?ml|gunicorn[^/]*|(docker-)?compose[^/]*\.ya?ml)$"
)
_SERVER = re.compile(r"\b(gunicorn|uvicorn|waitress|hypercorn|uwsgi)\b")


def _only_at_home(project: Project, module: Module, call: ast.Call) -> bool:
    """What runs as a script only, where the tree says that another server starts it for users."""
    main = any(
        isinstance(node, ast.If) and "__name__" in names_in(node.test) and call in nodes_in(node)
        for node in module.tree.body
    )
    tree = project.tree
    return main and any(
        _SERVER.search(tree.text(path) or "") for path in tree.files if _STARTS_IT.search(path)
    )


def _debug(project: Project, module: Module) -> Iterator[Finding]:
    for call in module.calls:
        name = dotted(call.func)
        if called(call) == "run" and _is_on(keyword(call, "debug")) and _runs_an_app(module, name):
            host = text_of(keyword(call, "host"))
            world = host in _EVERY_ADDRESS
            grave = Severity.CRITICAL if world else Severity.HIGH
            yield found(
                "config.debug", module, keyword(call, "debug") or call,
                "Flask runs with debug=True"
                + (" on every address: its debugger runs any code for whoever reaches it."
                   if world else ": its debugger runs any code for whoever reaches it."),
                severity=Severity.MEDIUM if _only_at_home(project, module, call) else grave,
                evidence=Evidence.EXACT,
            )  # fmt: skip
        elif called(call) == "FastAPI" and is_true(keyword(call, "debug")):
            yield found(
                "config.debug", module, call, "FastAPI(debug=True) shows tracebacks to callers.",
                severity=Severity.MEDIUM, evidence=Evidence.EXACT,
            )  # fmt: skip
    yield from _django_debug(module)


def _is_on(node: ast.expr | None) -> bool:
    """`debug=True`, and `debug=1`."""
    return isinstance(node, ast.Constant) and node.value == 1


def _runs_an_app(module: Module, name: str) -> bool:
    return "flask" in {target.partition(".")[0] for target in module.imports.values()} or (
        name.rpartition(".")[0] in {"app", "application", "socketio", "server"}
    )


def _django_debug(module: Module) -> Iterator[Finding]:
    if "INSTALLED_APPS" not in module.named:
        return
    for node in module.tree.body:
        if not isinstance(node, ast.Assign) or target_name(node.targets[0]) != "DEBUG":
            continue
        default = node.value
        if isinstance(default, ast.Compare):
            default = default.left
        if isinstance(default, ast.Call):
            holder = (
                default if called(default) != "lower" else getattr(default.func, "value", default)
            )
            default = (
                argument(holder, 1, "default") or default
                if isinstance(holder, ast.Call)
                else default
            )
        if is_true(default) or (text_of(default) or "").lower() in {"true", "1", "yes"}:
            yield found(
                "config.debug", module, node,
                "Django's DEBUG is on unless somebody turns it off: errors show settings and code.",
                severity=Severity.HIGH, evidence=Evidence.EXACT,
            )  # fmt: skip


def _debug_logging(module: Module, is_service: bool) -> Iterator[Finding]:
    if not is_service:
        return
    for call in module.calls:
        level = keyword(call, "level") or argument(call, 0)
        if called(call) in {"basicConfig", "setLevel"} and dotted(level) == "logging.DEBUG":
            yield found(
                "config.debug-logging", module, call, "Everything is logged at DEBUG in production."
            )
        elif called(call) == "create_engine" and is_true(keyword(call, "echo")):
            yield found(
                "config.debug-logging", module, call,
                "create_engine(echo=True) logs every statement with its values.",
            )  # fmt: skip


def _docs(table: RouteTable) -> Iterator[Finding]:
    apps = [router for router in table.routers.values() if router.maker == "FastAPI"]
    served = {router for route in table.routes for router in [_root(route.router)] if router}
    for app in apps:
        if app not in served or len([r for r in table.routes if _root(r.router) is app]) < 3:
            continue
        if _is_set(app, "openapi_url") or (_is_set(app, "docs_url") and _is_set(app, "redoc_url")):
            continue
        yield found(
            "config.docs-exposed", app.module, keyword(app.call, "docs_url") or app.call,
            "The API's documentation is open to everybody in production.", evidence=Evidence.EXACT,
        )  # fmt: skip


def _root(router: Router | None) -> Router | None:
    for _ in range(6):
        if router is None or not router.parents:
            return router
        router = router.parents[0].parent
    return router


def _is_set(app: Router, name: str) -> bool:
    """Given, and not simply to a path: None, or a decision made somewhere."""
    value = keyword(app.call, name)
    splat = any(word.arg is None for word in app.call.keywords)
    return splat or (value is not None and text_of(value) is None)


def _cors(project: Project, module: Module) -> Iterator[Finding]:
    for call in module.calls:
        if called(call) in {"add_middleware", "Middleware"} and any(
            dotted(node).endswith("CORSMiddleware") for node in call.args
        ):
            yield from _starlette_cors(project, module, call)
        elif called(call) == "CORS":
            yield from _flask_cors(project, module, call)
        elif called(call) in {"SocketIO", "AsyncServer"} and (
            text_of(keyword(call, "cors_allowed_origins")) == "*"
        ):
            yield _sockets_for_all(module, call, cookies=uses_cookies(project.of_the_prototype))
        elif called(call) in {"add", "set"} and {_HEADER, "*"} <= strings_in(call):
            yield _for_all(module, call)
            return
    yield from _django_cors(module)


def _flask_cors(project: Project, module: Module, call: ast.Call) -> Iterator[Finding]:
    origins = keyword(call, "origins", "resources")
    if is_true(keyword(call, "supports_credentials")):
        if origins is None or "*" in _texts(project, module, origins, exact=True):
            cookies = uses_cookies(project.of_the_prototype)
            yield _any_origin(module, origins or call, cookies=cookies)
    elif not origins:
        hung = list(_hung_later(project, call))
        if not any(keyword(one, "origins", "resources") for _, one in hung):
            yield _for_all(module, call, also=[place(*one) for one in hung])


def _sockets_for_all(module: Module, node: ast.Call, *, cookies: bool) -> Finding:
    """A page of any site opens the socket, and the browser sends the visitor's cookie along."""
    return found(
        "config.cors-wildcard", module, node,
        "Pages of any site may open this socket"
        + (" with the visitor's session." if cookies else "."),
        severity=None if cookies else Severity.LOW,
    )  # fmt: skip


_HEADER = "Access-Control-Allow-Origin"


def _hung_later(project: Project, made: ast.Call) -> Iterator[tuple[Module, ast.Call]]:
    """`cors.init_app(app)`, where `cors = CORS()` stands in another file."""
    for module in project.modules if not made.args else ():
        for call in module.calls:
            if called(call) == "init_app" and isinstance(call.func, ast.Attribute):
                meant = project.resolve(module, dotted(call.func.value))
                if getattr(meant.node, "value", None) is made:
                    yield module, call


def _for_all(module: Module, node: ast.AST, also: Iterable[Place] = ()) -> Finding:
    return found(
        "config.cors-wildcard", module, node, "Pages of any site may read the answers.",
        severity=Severity.LOW, also=also,
    )  # fmt: skip


def _starlette_cors(project: Project, module: Module, call: ast.Call) -> Iterator[Finding]:
    if not is_true(keyword(call, "allow_credentials")):
        return
    origins, pattern = keyword(call, "allow_origins"), keyword(call, "allow_origin_regex")
    if origins is not None and _but_in_production(project, module, origins):
        return
    if origins is not None and "*" in _texts(project, module, origins, exact=False):
        yield _any_origin(module, origins, cookies=uses_cookies(project.of_the_prototype))
    elif pattern is not None and _ANY_HOST_PATTERN.search(
        next(iter(_texts(project, module, pattern, exact=False)), "")
    ):
        yield found(
            "config.cors-wildcard-credentials", module, pattern,
            "Every site of a public host may send requests with the visitor's credentials.",
        )  # fmt: skip


def _any_origin(module: Module, node: ast.AST, *, cookies: bool = True) -> Finding:
    """Without cookies there is nothing that a browser sends along by itself."""
    what = "" if cookies else "; no cookie of this service says who they are, yet"
    return found(
        "config.cors-wildcard-credentials", module, node,
        "Any site may send requests with the visitor's credentials "
        f"(origin *, credentials on{what}).",
        severity=None if cookies else Severity.LOW,
    )  # fmt: skip


def _but_in_production(project: Project, module: Module, origins: ast.expr) -> bool:
    """`settings.ORIGINS if settings.is_production() else ["*"]`: open at home only."""
    meant = project.resolve(module, dotted(origins)) if dotted(origins) else None
    value = getattr(meant.node, "value", None) if meant and meant.node else origins
    return (
        isinstance(value, ast.IfExp)
        and "*" not in strings_in(value.body)
        and re.search(r"(?i)prod", " ".join(words_in(value.test) | strings_in(value.test)))
        is not None
    )


def _texts(project: Project, module: Module, node: ast.expr, *, exact: bool) -> set[str]:
    """The strings of an expression, and of the names it consists of."""
    texts = strings_in(node)
    for name in names_in(node):
        meant = project.resolve(module, name)
        value = getattr(meant.node, "value", None)
        if isinstance(value, ast.expr) and not isinstance(value, ast.Lambda):
            texts |= strings_in(value)
    return texts if not exact else {text for text in texts if text == "*"}


def _django_cors(module: Module) -> Iterator[Finding]:
    if "INSTALLED_APPS" not in module.named:
        return
    settings = {
        target_name(node.targets[0]): node
        for node in module.tree.body
        if isinstance(node, ast.Assign)
    }
    opened = settings.get("CORS_ALLOW_ALL_ORIGINS") or settings.get("CORS_ORIGIN_ALLOW_ALL")
    credentials = settings.get("CORS_ALLOW_CREDENTIALS")
    if opened and credentials and is_true(opened.value) and is_true(credentials.value):
        yield _any_origin(module, opened)
