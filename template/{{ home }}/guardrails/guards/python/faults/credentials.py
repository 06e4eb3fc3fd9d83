"""Passwords, tokens, signing keys and settings that a stranger may know."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from ....engine.finding import Evidence, Finding, Severity
from ..facts.access import Gatekeeper
from ..facts.alone import signs_nobody
from ..facts.literal_words import code_for_all, code_for_one, compares_password, is_blank
from ..facts.modules import Module, Project, is_script
from ..facts.routes import RouteTable
from ..facts.syntax import (
    argument,
    assigned,
    assigns_in,
    called,
    dotted,
    found,
    key_of,
    keyword,
    names_in,
    strings_in,
    target_name,
    text_of,
    uses_cookies,
    words_in,
)
from ..facts.walking import nodes_in
from . import logins, proofs

_SIGNING = re.compile(
    r"(^|_)(secret_?key|jwt(_secret)?(_key)?|session_secret|auth_secret|token_secret|"
    r"signing_key|app_secret|jwt_key|secret|better_auth_secret|cookie_secret|encryption_key)$",
    re.IGNORECASE,
)
_NOT_SIGNING = re.compile(
    r"client_secret|aws|stripe|webhook|api_secret|google|consumer|captcha|s3|minio|paypal|"
    r"razorpay|paystack|flutterwave|monnify|mpesa|paytm|cashfree|cloudinary|twilio|_id$|_name$|_arn$",
    re.IGNORECASE,
)
_ADMIN_PASSWORD = re.compile(
    r"(admin|root|superuser|default|master|initial)\w*_?pass(word|wd)?$", re.IGNORECASE
)
_READERS = {"get", "getenv", "config", "env", "str", "Field"}
_ADMINISTRATOR = re.compile(r"^(admin|root|superadmin|administrator|admin@.*)$", re.IGNORECASE)
_HASHERS = {
    "generate_password_hash", "hash", "hash_password", "get_password_hash", "hashpw",
    "make_password", "set_password", "create_superuser", "encrypt",
}  # fmt: skip


def look(table: RouteTable, keeper: Gatekeeper) -> Iterator[Finding]:
    project = table.project
    sessions = uses_cookies(project.of_the_prototype)
    told: dict[str, Finding] = {}
    for module in project.modules:
        unused = signs_nobody(project, module)
        for literal, one in _default_secrets(module):
            judged = one if sessions and not unused else _signs_nothing(module, one, unused)
            first = told.get(literal)
            also = (*first.also, judged.place) if first else ()
            told[literal] = replace(first or judged, also=also)
        yield from _default_credentials(table.project, module)
    yield from told.values()
    yield from logins.look(table, keeper)
    yield from proofs.look(table, keeper)


# a key that stands in the code


def _default_secrets(module: Module) -> Iterator[tuple[str, Finding]]:
    seen = set(_lines_of_tests(module))
    settings = set(_lines_of_settings(module))
    for target, value in assigns_in(module.tree):
        if value.lineno in settings and _is_password(target, value):
            message = f"{target_name(target)} is {shown(text_of(value) or '')} unless it is set."
            yield text_of(value) or "", _known_password(module, value, message)
            continue
        yield from _assigned_secret(module, target, value, seen)
    for call in module.calls:
        yield from _passed_secret(module, call, seen)


def _lines_of_tests(module: Module) -> Iterator[int]:
    """The settings that tests run with: `class TestConfig`."""
    for node in module.classes:
        if re.search(r"^Test|Testing", node.name):
            yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _lines_of_settings(module: Module) -> Iterator[int]:
    """What the environment may say otherwise: `class Settings(BaseSettings)`."""
    for node in module.classes:
        if any(dotted(base).rpartition(".")[2] == "BaseSettings" for base in node.bases):
            yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _is_password(target: ast.expr, value: ast.expr) -> bool:
    literal = text_of(value)
    named = _ADMIN_PASSWORD.search(target_name(target)) is not None
    return named and literal is not None and not is_blank(literal)


def _assigned_secret(
    module: Module, target: ast.expr, value: ast.expr, seen: set[int]
) -> Iterator[tuple[str, Finding]]:
    name = target_name(target)
    variable, literal = fallback(value)
    known = variable or name
    if literal is None:
        return
    if _ADMIN_PASSWORD.search(known) and not is_blank(literal) and variable:
        message = f"{known} is {shown(literal)} unless it is set."
        yield literal, _known_password(module, value, message)
    elif _is_signing(known) or (_is_signing(name) and not _NOT_SIGNING.search(known)):
        if is_blank(literal) or value.lineno in seen or _refused(module, name, literal):
            return
        seen.add(value.lineno)
        yield literal, _known_key(module, value, known, is_default=bool(variable))


def _passed_secret(module: Module, call: ast.Call, seen: set[int]) -> Iterator[tuple[str, Finding]]:
    name = called(call)
    key = None
    if name in {"encode", "decode"} and dotted(call.func).rpartition(".")[0] in {"jwt", "jose.jwt"}:
        key = argument(call, 1, "key")
    elif name == "add_middleware":
        key = keyword(call, "secret_key")
    elif name in {"config", "getenv", "get"} and call.lineno not in seen:
        variable, literal = fallback(call)
        if variable and literal and _is_signing(variable) and not _used_in_assign(module, call):
            key = ast.Constant(literal, lineno=call.lineno, col_offset=0)
    if key is None:
        return
    literal = fallback(key)[1] or text_of(key)
    if (
        literal
        and not is_blank(literal)
        and key.lineno not in seen
        and not _refused(module, "", literal)
    ):
        seen.add(key.lineno)
        yield literal, _known_key(module, key, f"the key of {name}", is_default=False)


def _used_in_assign(module: Module, call: ast.Call) -> bool:
    return any(call in set(nodes_in(value)) for _, value in assigns_in(module.tree))


def _is_signing(name: str) -> bool:
    return bool(_SIGNING.search(name)) and not _NOT_SIGNING.search(name)


def fallback(value: ast.AST) -> tuple[str, str | None]:
    """The variable that is read, and the literal that it falls back to."""
    if isinstance(value, ast.BoolOp) and isinstance(value.op, ast.Or):
        name, inner = fallback(value.values[0])
        return name or _read_name(value.values[0]), inner or text_of(value.values[-1])
    if isinstance(value, ast.Call) and called(value) in _READERS:
        named = text_of(value.args[0]) if value.args else None
        default = argument(value, 1, "default")
        if called(value) == "Field":
            default, named = argument(value, 0, "default"), ""
        return named or "", text_of(default) if default is not None else None
    if isinstance(value, ast.Constant) and isinstance(value.value, bytes):
        return "", value.value.decode("latin-1")
    return fallback(held) if (held := _wrapped(value)) is not None else ("", text_of(value))


def _wrapped(value: ast.AST) -> ast.expr | None:
    """`x` of `SecretStr(x)` and of `x.encode()`; a function of one's own is called so, too."""
    if not isinstance(value, ast.Call):
        return None
    if called(value) == "SecretStr":
        return value.args[0] if value.args else None
    method = isinstance(value.func, ast.Attribute) and value.func.attr == "encode"
    return value.func.value if method and isinstance(value.func, ast.Attribute) else None


def _read_name(value: ast.AST) -> str:
    if isinstance(value, ast.Call) and value.args:
        return text_of(value.args[0]) or ""
    return value.attr if isinstance(value, ast.Attribute) else ""


def _refused(module: Module, name: str, literal: str) -> bool:
    """The program compares it with the default and refuses to start."""
    for node in module.nodes:
        if isinstance(node, ast.If) and any(_stops_the_start(inner) for inner in node.body):
            if literal in strings_in(node.test) | _listed(module, node.test):
                return True
            if (
                name
                and name in words_in(node.test)
                and any(
                    isinstance(inner, ast.Compare) and strings_in(inner)
                    for inner in nodes_in(node.test)
                )
            ):
                return True
        if name and isinstance(node, ast.Compare) and name in names_in(node.comparators[0]):
            return True
    return False


def _listed(module: Module, test: ast.expr) -> set[str]:
    """`if key in KNOWN_KEYS`: what the module lists under that name."""
    named = names_in(test)
    lists = (
        statement
        for statement in module.tree.body
        if isinstance(statement, ast.Assign) and dotted(statement.targets[0]) in named
    )
    return {text for statement in lists for text in strings_in(statement.value)}


def _stops_the_start(statement: ast.stmt) -> bool:
    """An exception that is no answer to a request."""
    return isinstance(statement, ast.Raise) and "HTTP" not in dotted(statement.exc)


def shown(literal: str) -> str:
    return repr(f"{literal[:2]}…") if len(literal) > 2 else "''"


def _known_key(module: Module, node: ast.AST, name: str, *, is_default: bool) -> Finding:
    how = "falls back to a literal" if is_default else "is a literal in the code"
    gain, severity = _gain(module, name)
    if isinstance(node, ast.BoolOp) and isinstance(node.values[0], ast.Attribute):
        severity = severity or Severity.HIGH  # of a setting that may well be required
    return found(
        "auth.default-secret", module, node,
        f"{name} {how}: whoever reads the code {gain}.",
        evidence=Evidence.EXACT, secret=True,
        severity=Severity.MEDIUM if is_script(module.path) else severity,
    )  # fmt: skip


_SIGNS_IN = re.compile(r"jwt|jose|itsdangerous|flask|starlette|authlib")
_ABOUT_ACCOUNTS = re.compile(r"jwt|session|auth|log_?in|token|user|cookie", re.IGNORECASE)


def _signs_things(module: Module, name: str) -> bool:
    """An HMAC over tickets or links, in a file that knows neither sessions nor accounts."""
    roots = {target.partition(".")[0] for target in module.imports.values()}
    if "hmac" not in roots or any(map(_SIGNS_IN.match, roots)):
        return False
    return not any(map(_ABOUT_ACCOUNTS.search, (name, *(one.name for one in module.functions))))


def _gain(module: Module, name: str) -> tuple[str, Severity | None]:
    """What is had by whoever knows it, and how bad that is where it isn't everything."""
    if re.search(r"cron|scheduler|internal", name, re.IGNORECASE):
        return "can start the jobs that it guards", Severity.MEDIUM
    if re.search(r"encryption", name, re.IGNORECASE):
        return "can read what is encrypted with it", Severity.HIGH
    if _signs_things(module, name):
        return "can sign whatever it vouches for", Severity.HIGH
    return "can sign in as anybody", None


def _known_password(module: Module, node: ast.AST, message: str) -> Finding:
    # Who fills a database with invented people does not run where real ones are.
    seeds = "faker" in {target.partition(".")[0] for target in module.imports.values()}
    return found(
        "auth.default-credentials", module, node, message, secret=True,
        severity=Severity.MEDIUM if seeds or is_script(module.path) else Severity.HIGH,
    )  # fmt: skip


def _signs_nothing(module: Module, one: Finding, unused: bool) -> Finding:
    """Flask's key beside one for the tokens, where no session or cookie is ever made."""
    tokens = any(re.search(r"jwt.*key|jwt.*secret", name, re.IGNORECASE) for name in _named(module))
    if not (tokens or unused) or not re.match(r"(?i)secret_key (falls|is)", one.message):
        return one
    return replace(
        one,
        severity=Severity.MEDIUM,
        message=one.message.partition(":")[0] + ": whoever reads the code knows what it will sign.",
    )


def _named(module: Module) -> Iterator[str]:
    return (target_name(target) for target, _ in assigns_in(module.tree))


# accounts that everybody knows


def _default_credentials(project: Project, module: Module) -> Iterator[Finding]:
    told: dict[object, Finding] = {}
    for call in module.calls:
        if _literal_password(module, call):
            name = next(iter(sorted(_accounts(module, call))), "an account")
            message = f"{name} is created with a password that stands in the code."
            one = _known_password(module, call, message)
            # Who seeds an account seeds several, and it is one function, or one list, to mend.
            owner = module.owners.get(call)
            known = told.setdefault(owner, one)
            if one.place.line not in {known.place.line, *(at.line for at in known.also)}:
                told[owner] = replace(known, also=(*known.also, one.place))
    yield from told.values()
    for node in module.nodes:
        if isinstance(node, ast.BoolOp) and (code := code_for_all(node)) is not None:
            yield found(
                "auth.default-credentials", module, code,
                "Beside the code that was sent, one that stands in the program is always good.",
                severity=Severity.CRITICAL, secret=True,
            )  # fmt: skip
        if isinstance(node, ast.If) and (code := code_for_one(node)) is not None:
            yield found(
                "auth.default-credentials", module, code,
                "The code of one number stands in the program: whoever reads it signs in with it.",
                severity=Severity.CRITICAL, secret=True,
            )  # fmt: skip
        if isinstance(node, ast.Compare) and (
            compares_password(node, lambda side: _of_a_class(project, module, side))
        ):
            yield found(
                "auth.default-credentials", module, node,
                "The password is compared with a literal in the code.",
                severity=Severity.CRITICAL, secret=True,
            )  # fmt: skip


def _of_a_class(project: Project, module: Module, node: ast.expr) -> str:
    """The text of `Config.OWNER_PASSWORD`, which no environment can say otherwise."""
    owner, _, name = dotted(node).rpartition(".")
    if not isinstance(node, ast.Attribute) or not name.isupper():
        return ""
    there = project.resolve(module, owner).node
    if not isinstance(there, ast.ClassDef) or "BaseSettings" in {dotted(it) for it in there.bases}:
        return ""
    given = (value for target, value in assigns_in(there) if target_name(target) == name)
    return next((text for value in given if (text := text_of(value))), "")


def _constant(module: Module, node: ast.expr | None) -> str | None:
    """A text, or what a name of the module holds for good: `ADMIN_PASSWORD = "…"`."""
    if isinstance(node, ast.Name) and node.id.isupper():
        return text_of(getattr(module.named.get(node.id), "value", None))
    return text_of(node)


def _local(module: Module, call: ast.Call, node: ast.expr | None) -> str | None:
    """What a name holds that the function gives a text once: `password = "…"`; and what a body
    that leaves it out stands for: `data.get("password", "…")`.
    """
    owner = module.owners.get(call)
    if isinstance(node, ast.Name) and owner is not None:
        given = assigned(owner, node.id)
        return text_of(given[0]) if len(given) == 1 else None
    if isinstance(node, ast.Call) and called(node) == "get" and _PASSWORD_KEY.match(key_of(node)):
        return text_of(argument(node, 1, "default"))
    return None


_PASSWORD_KEY = re.compile(r"^(password|passwd|pwd)$", re.IGNORECASE)


def _literal_password(module: Module, call: ast.Call) -> str | None:
    name = called(call)
    if name in _HASHERS and name != "encrypt":
        value = keyword(call, "password") or (
            call.args[-1 if name == "create_superuser" else 0] if call.args else None
        )
        if name == "hash" and not re.search(
            r"pwd|pass|crypt|hasher", dotted(call.func), re.IGNORECASE
        ):
            return None
        text = _constant(module, value) or _local(module, call, value)
        if value is not None and called(value) == "encode":
            text = fallback(value)[1]
        if isinstance(value, ast.Constant) and isinstance(value.value, bytes):
            text = value.value.decode(errors="replace")
        return text if text and not is_blank(text) and " " not in text else None
    if re.search(r"(User|Admin|Account)s?$", name):
        return text_of(keyword(call, "password"))
    return None


def _accounts(module: Module, call: ast.Call) -> set[str]:
    owner = module.owners.get(call)
    texts = strings_in(call) | (strings_in(owner) if owner else set())
    for node in nodes_in(owner) if owner else ():
        if isinstance(node, ast.Compare):
            texts -= strings_in(node)  # who may do this, not whose password it is
    return {text for text in texts if _ADMINISTRATOR.match(text)}
