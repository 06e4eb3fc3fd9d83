"""Who is let in: whether what stands before a handler turns anybody away."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .asking import asks_who
from .depends import parameter_checks
from .modules import Function, Module, Project
from .refusals import ROLES, asked_about, beside_the_point, refuses
from .routes import Route
from .syntax import (
    assigns_in,
    called,
    calls_in,
    dotted,
    names_in,
    own_body,
    strings_in,
    text_of,
    words_in,
)
from .walking import nodes_in

_BY_NAME = re.compile(
    r"(current|auth\w*|active|logged_?in|verified)_?(user|account|member|admin|principal|identity)|"
    r"^require|_required$|^authenticat|^authoriz|^auth$|auth_guard|is_authenticated|permission|"
    r"^protected|admin_only|^(verify|check|validate|get|decode)_(token|jwt|api_?key|admin|access|"
    r"auth|session|user_id)|^user_passes_test$|roles?_(required|accepted)|^basic_auth|^current_user",
    re.IGNORECASE,
)
_OPTIONAL = re.compile(r"optional|maybe|or_none|if_any|anonymous", re.IGNORECASE)
_REQUIRES = re.compile(r"_(required|only)$|^(require|only)_", re.IGNORECASE)
_FOR_A_RIGHT = re.compile(
    r"^_?(require|check|has|needs?|ensure|verify|assert)_(\w+_)?(permission|role|scope|privilege|right)s?$",
    re.IGNORECASE,
)
"""`require_permissions("orders.write")`: what it compares may be a set that was put together."""
_KIND = re.compile(
    r"^is_(?!authenticated$|active$|anonymous$|verified$|confirmed$|enabled$|deleted$|banned$|blocked$"
    r"|valid$|expired$|json$|secure$|locked$)[a-z_]+$"
)
"""`current_user.is_manager`: which kind of account it is."""
_ADMINS = re.compile(r"(^|_)(admin\w*|superuser|staff)(_|$)", re.IGNORECASE)
"""`require_admin` that asks `is_platform_admin()`: what that compares need not be seen."""
_ROLE_NAME = re.compile(r"role|admin|permis|superuser|staff|scope", re.IGNORECASE)
SIGNED = {"construct_event", "verify_signature", "verify_webhook", "verify_webhook_signature"}
_SECRET = re.compile(
    r"(^|_)(cron|seed|admin|api|internal|webhook|setup|job|task)\w*_(secret|key)(_|$)"
    r"|(^|_)secret(_key)?$",
    re.IGNORECASE,
)
"""What only the owner's machines know: whoever names it is let in."""
_OF_CALLER = re.compile(
    r"session|user|token|auth|logged|credential|identity|payload|cookie|header|api_?key|secret|admin"
    r"|role|permission|passw|\bpin\b|\bip\b|remote_addr|signature|captcha|owner|caller|principal",
    re.IGNORECASE,
)
_LOGIN = re.compile(
    r"log_?-?in|sign_?-?in|sign_?-?up|register|registration|(^|/)tokens?$|forgot|reset_?-?pass|"
    r"password-?_?reset|verify_?-?(otp|email|code)|send_?-?otp|^refresh",
    re.IGNORECASE,
)
_OPEN_MARKS = {"public", "allow_anonymous", "login_not_required", "anonymous", "no_auth"}
_STRENGTH = {"public": 0, "caller": 1, "secret": 2, "signature": 3, "role": 4}
_DEEPEST = 4


@dataclass(frozen=True)
class Verdict:
    """Who gets past a check, and how that is known."""

    access: str
    why: str


def strongest(verdicts: Iterable[Verdict | None]) -> Verdict | None:
    known = [verdict for verdict in verdicts if verdict is not None]
    return max(known, key=lambda verdict: _STRENGTH[verdict.access], default=None)


class Gatekeeper:
    """Judges functions by what they do; those that aren't here by their name."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._known: dict[ast.AST, Verdict | None] = {}

    def check(self, module: Module, node: ast.expr, depth: int = 0) -> Verdict | None:
        """A dependency, a decorator, a base class, or a function that is called."""
        if isinstance(node, ast.Lambda) or depth > _DEEPEST:
            return None
        if isinstance(node, ast.Call) and called(node) in {"method_decorator", "partial"}:
            return strongest(self.check(module, inner, depth + 1) for inner in node.args)
        name = dotted(node)
        meant = self._project.resolve(module, name)
        if isinstance(meant.node, ast.FunctionDef | ast.AsyncFunctionDef) and meant.module:
            verdict = self.function(meant.module, meant.node, depth + 1)
            return verdict or self._stated(meant.module, node)
        if isinstance(meant.node, ast.ClassDef) and meant.module:
            return self._class(meant.module, meant.node, depth)
        value = getattr(meant.node, "value", None)
        if isinstance(value, ast.Call) and meant.module:
            return self._instance(meant.module, value, depth)
        return self._tested(module, node) or self._by_name(node, name)

    def _tested(self, module: Module, node: ast.expr) -> Verdict | None:
        """What Django's `user_passes_test` asks of the user: a lambda, or a function by its name
        or by what it or the function behind it looks at."""
        if not isinstance(node, ast.Call) or called(node) != "user_passes_test" or not node.args:
            return None
        test = node.args[0]
        words = asked_about(test) | {dotted(test)}
        meant = self._project.resolve(module, dotted(test))
        if isinstance(meant.node, ast.FunctionDef):
            words |= asked_about(meant.node)
        role = any(_ROLE_NAME.search(word) or ROLES.search(word) for word in words)
        return Verdict("role" if role else "caller", f"{dotted(test) or 'a test'} stands before it")

    def _stated(self, module: Module, node: ast.expr) -> Verdict | None:
        """A decorator that only marks the handler (`@requires("x")`) for a route class to read."""
        name = dotted(node).rpartition(".")[2]
        if name not in {"authenticated", "requires", "require", "requires_permission"}:
            return None
        return Verdict("role" if isinstance(node, ast.Call) else "caller", f"it is marked @{name}")

    def function(self, module: Module, function: Function, depth: int = 0) -> Verdict | None:
        """Whether a function turns anybody away, itself or through what it calls."""
        if function in self._known:
            return self._known[function]
        self._known[function] = None  # recursion ends here
        verdict = strongest(
            [
                self._own(function),
                *(
                    self.check(other, node, depth + 1)
                    for own in (function, *_inner(function))
                    for other, node in parameter_checks(self._project, module, own)
                ),
                *self._callees(module, function, depth),
                *self._tests(module, function),
            ]
        )
        self._known[function] = verdict
        return verdict

    def looks_at_caller(self, route: Route) -> bool:
        """Whether a handler that refuses looks at anything of who calls: a membership that has
        run out is refused with a 403, too.
        """
        reached = [route.function, *self._called_by(route.module, route.function)]
        return any(
            _OF_CALLER.search(word)
            for function in reached
            for word in words_in(function) | strings_in(function)
        )

    def _called_by(self, module: Module, function: Function) -> Iterator[Function]:
        for call in calls_in(function):
            meant = self._project.resolve(module, dotted(call.func))
            if isinstance(meant.node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield meant.node

    def _own(self, function: Function) -> Verdict | None:
        names = {called(node) for node in own_body(function) if isinstance(node, ast.Call)}
        signs = bool(names & SIGNED) or {"compare_digest", "new"} <= names
        if signs and any(_answers(node) for node in own_body(function)):
            return Verdict("signature", f"{function.name} checks a signature")
        met = set(own_body(function)) - beside_the_point(function)
        if not any(refuses(node, function) for node in met):
            return None
        words = {
            word
            for node in own_body(function)
            if isinstance(node, ast.Compare | ast.If | ast.BoolOp)
            for word in asked_about(node.test if isinstance(node, ast.If) else node)
        }
        words |= {word for word in _looked_up(function) if ROLES.search(word)}
        if _FOR_A_RIGHT.search(function.name) and any(
            _ROLE_NAME.search(word) for node in own_body(function) for word in words_in(node)
        ):
            return Verdict("role", f"{function.name} looks at what the caller may")
        admins = _ADMINS.search(function.name) and any(_ADMINS.search(word) for word in words)
        kinds = _REQUIRES.search(function.name) and any(_KIND.search(word) for word in words)
        if any(_SECRET.search(word) for word in words):
            return Verdict("secret", f"{function.name} asks for a secret")
        if admins or kinds or any(ROLES.search(word) for word in words):
            return Verdict("role", f"{function.name} looks at the role")
        return Verdict("caller", f"{function.name} turns strangers away")

    def _callees(self, module: Module, function: Function, depth: int) -> Iterator[Verdict | None]:
        if depth >= _DEEPEST:
            return
        for node in own_body(function):
            if isinstance(node, ast.Call) and called(node) not in {"Depends", "Security"}:
                yield self._callee(module, node, depth)

    def _tests(self, module: Module, function: Function) -> Iterator[Verdict]:
        """`if not is_staff(): return …, 403`, where a function of the service's own asks who calls
        and answers with a yes, or with the account.
        """
        for node in own_body(function):
            inside = nodes_in(ast.Module(node.body, [])) if isinstance(node, ast.If) else ()
            if not isinstance(node, ast.If) or not any(refuses(it, function) for it in inside):
                continue
            for call in calls_in(node.test):
                asked = self._project.resolve(module, dotted(call.func)).node
                if not isinstance(asked, ast.FunctionDef | ast.AsyncFunctionDef):
                    continue
                tests = [it for it in own_body(asked) if isinstance(it, ast.Compare)]
                if asks_who(asked) and any(
                    ROLES.search(w) for it in tests for w in asked_about(it)
                ):
                    yield Verdict("role", f"{asked.name} looks at the role")

    def _callee(self, module: Module, call: ast.Call, depth: int) -> Verdict | None:
        if called(call) in SIGNED:
            return Verdict("signature", f"{called(call)} checks a signature")
        meant = self._project.resolve(module, dotted(call.func))
        if isinstance(meant.node, ast.FunctionDef | ast.AsyncFunctionDef) and meant.module:
            return self.function(meant.module, meant.node, depth + 1)
        if meant.node is None and meant.module is None and isinstance(call.func, ast.Name):
            return None
        return None

    def _class(self, module: Module, node: ast.ClassDef, depth: int) -> Verdict | None:
        methods = (
            self.function(module, item, depth + 1)
            for item in node.body
            if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
        )
        bases = (self.check(module, base, depth + 1) for base in node.bases)
        return strongest([*methods, *bases])

    def _instance(self, module: Module, call: ast.Call, depth: int) -> Verdict | None:
        name = called(call)
        if name in {"HTTPBearer", "OAuth2PasswordBearer", "APIKeyHeader", "HTTPBasic"}:
            return None  # it only reads a header: any value will do
        return self.check(module, call.func, depth + 1) or self._by_name(call, name)

    def _by_name(self, node: ast.expr, name: str) -> Verdict | None:
        last = name.rpartition(".")[2]
        words = {last, *name.split(".")[-2:]}
        if last in _OPEN_MARKS:
            return Verdict("public", f"it is marked @{last}")
        if (
            last == "jwt_required"
            and isinstance(node, ast.Call)
            and "optional" in {word.arg for word in node.keywords}
        ):
            return None
        if any(_OPTIONAL.search(word) for word in words):
            return None
        if last in {"login_required", "LoginRequiredMixin"} or any(
            _BY_NAME.search(word) for word in words
        ):
            role = _ROLE_NAME.search(last)
            return Verdict("role" if role else "caller", f"{last} stands before it")
        return None


def _looked_up(function: Function) -> Iterator[str]:
    """`role` of `User.objects(email=me, role="admin").first()`, where nobody found is refused."""
    tested = {
        name
        for node in own_body(function)
        if isinstance(node, ast.If) and any(refuses(one, function) for one in node.body)
        for name in names_in(node.test)
    }
    for target, value in assigns_in(function):
        if isinstance(target, ast.Name) and target.id in tested:
            for node in nodes_in(value):
                if isinstance(node, ast.keyword) and text_of(node.value):
                    yield node.arg or ""
                elif isinstance(node, ast.Dict):
                    pairs = zip(node.keys, node.values, strict=True)
                    yield from (text_of(key) or "" for key, one in pairs if text_of(one))


def _answers(node: ast.AST) -> bool:
    """What a comparison of signatures comes to: a refusal of any kind, or its result."""
    if isinstance(node, ast.Return):
        inside = nodes_in(node.value) if node.value is not None else ()
        return any(isinstance(it, ast.Call) and called(it) == "compare_digest" for it in inside)
    return isinstance(node, ast.Raise) or (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and called(node.value) in {"abort", "send_error"}
    )


def _inner(function: Function) -> Iterator[Function]:
    """The checks that a function makes: `def needs(role): def check(user=Depends(...))`."""
    for node in own_body(function):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def is_login(route: Route) -> bool:
    """Where one proves who one is: what it refuses is a wrong password, not a stranger."""
    last = route.path.rstrip("/").rpartition("/")[2]
    return bool(_LOGIN.search(f"{last} {route.function.name}"))
