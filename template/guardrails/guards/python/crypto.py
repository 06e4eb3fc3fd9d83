"""Comparisons that leak time, fast hashes, numbers that can be guessed."""

import ast
import re
from collections.abc import Iterator

from ...engine.finding import Finding, Severity
from .modules import Function, Module, is_script
from .routes import RouteTable
from .syntax import (
    assigns_in,
    called,
    dotted,
    found,
    own_body,
    target_name,
    text_of,
    words_in,
)

_PASSWORD = re.compile(r"(^|_)(password|passwd|pwd|passcode|pin)$", re.IGNORECASE)
_SECRETS = re.compile(
    r"(^|_)(password|passwd|pwd|token|secret|api_?key|signature|digest|hmac|otp|passcode|pin|"
    r"hash(ed)?|mac|sig)$",
    re.IGNORECASE,
)
_SECOND = re.compile(
    r"confirm|repeat|again|password_?[12]|new_|old_|re_?type|_type|_id$|count|hashed_new",
    re.IGNORECASE,
)
_FAST = {"md5", "sha1", "sha256", "sha512", "sha224", "sha384"}
_SLOW = {"pbkdf2_hmac", "scrypt", "hashpw", "argon2", "bcrypt", "PasswordHasher"}
_GUESSABLE = re.compile(
    r"token|otp|password|passwd|secret|session_?id|api_?key|reset|verif\w*_?code|auth_?code|"
    r"invite|one_?time|login_?code|access_?code|passcode|2fa|mfa|voucher|coupon|gift",
    re.IGNORECASE,
)
_RANDOM = {
    "random",
    "randint",
    "choice",
    "choices",
    "randrange",
    "sample",
    "getrandbits",
    "uniform",
}


def look(table: RouteTable) -> Iterator[Finding]:
    for module in table.project.modules:
        for function in module.functions:
            yield from _fast_hash(module, function)
            yield from _guessable(module, function)
    for module in table.project.service:
        if not is_script(module.path):
            yield from _leaky_comparisons(module)


def _leaky_comparisons(module: Module) -> Iterator[Finding]:
    in_queries = {inner for call in module.calls for node in call.args for inner in ast.walk(node)}
    for node in module.nodes:
        if not isinstance(node, ast.Compare) or len(node.ops) != 1 or node in in_queries:
            continue
        if not isinstance(node.ops[0], ast.Eq | ast.NotEq):
            continue
        left, right = _last(node.left), _last(node.comparators[0])
        if not (left and right and _SECRETS.search(left) and _SECRETS.search(right)):
            continue
        if _SECOND.search(left) or _SECOND.search(right) or _is_known(module, node):
            continue
        plain = _PASSWORD.search(left) and _PASSWORD.search(right) and _stored(node)
        message = f"{left} is compared with {'!=' if isinstance(node.ops[0], ast.NotEq) else '=='}"
        hint = "; the password is stored as it is" if plain else ""
        yield found(
            "crypto.non-constant-time-compare", module, node,
            f"{message}, which takes longer the more of it is right{hint}.",
            severity=Severity.HIGH if plain else None,
        )  # fmt: skip


def _is_known(module: Module, node: ast.Compare) -> bool:
    """Two hashes (their bytes tell nothing), or a constant of the code."""
    sides = [node.left, node.comparators[0]]
    if all(re.search(r"hash", _last(side)) for side in sides):
        return True
    values = [getattr(module.named.get(dotted(side)), "value", None) for side in sides]
    return any(text_of(value) is not None for value in values)


def _last(node: ast.expr) -> str:
    """The name of what is compared: a hash of a password counts as one."""
    if isinstance(node, ast.Call):
        if called(node) == "get" and node.args:
            return text_of(node.args[0]) or ""
        if called(node) in {"strip", "hexdigest", "lower", "decode"}:
            return (
                "digest"
                if called(node) == "hexdigest"
                else _last(getattr(node.func, "value", node.func))
            )
        return "password_hash" if re.search(r"hash", called(node)) else ""
    return target_name(node) if not isinstance(node, ast.Constant) else ""


def _stored(node: ast.Compare) -> bool:
    """One side is a column of a row that was read."""
    sides = [node.left, node.comparators[0]]
    return any(
        isinstance(side, ast.Attribute | ast.Subscript)
        and re.search(
            r"^(\w*user|account|member|customer|row|admin|db_\w+)$", dotted(side).partition(".")[0]
        )
        for side in sides
    ) and not any(re.search(r"hash|digest", _last(side)) for side in sides)


def _fast_hash(module: Module, function: Function) -> Iterator[Finding]:
    names = {called(node) for node in own_body(function) if isinstance(node, ast.Call)}
    if names & _SLOW:
        return
    for node in own_body(function):
        if not isinstance(node, ast.Call) or called(node) not in _FAST or not node.args:
            continue
        words = words_in(node.args[0])
        if any(_PASSWORD.search(word) for word in words):
            yield found(
                "crypto.weak-hash", module, node,
                f"{function.name} hashes a password with {called(node)}, which is far too fast.",
                severity=Severity.MEDIUM if is_script(module.path) else None,
            )  # fmt: skip


def _guessable(module: Module, function: Function) -> Iterator[Finding]:
    if is_script(module.path):
        return
    for node in own_body(function):
        if not isinstance(node, ast.Call) or called(node) not in _RANDOM:
            continue
        if module.imports.get(dotted(node).partition(".")[0], "").partition(".")[0] != "random":
            continue
        about = (
            function.name
            + " "
            + " ".join(
                target_name(target)
                for target, value in assigns_in(function)
                if node in set(ast.walk(value))
            )
        )
        if _GUESSABLE.search(about):
            yield found(
                "crypto.weak-random", module, node,
                f"{function.name} makes a secret with random, whose next values can be computed.",
            )  # fmt: skip
            return
