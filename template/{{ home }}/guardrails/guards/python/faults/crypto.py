"""Comparisons that leak time, fast hashes, numbers that can be guessed."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from ....engine.finding import Finding, Severity
from ..facts.gathered import one_a_file
from ..facts.modules import Function, Module, Project, is_script
from ..facts.routes import RouteTable
from ..facts.syntax import (
    assigns_in,
    called,
    calls_in,
    dotted,
    found,
    key_of,
    own_body,
    strings_in,
    target_name,
    text_of,
    words_in,
)
from ..facts.walking import nodes_in

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
_SOON_OVER = re.compile(
    r"otp|(?:verif\w*|reset|log_?in|confirm\w*|one_?time)_?(?:code|pin)|2fa|mfa", re.IGNORECASE
)
"""A few digits that count for some minutes are sooner tried out than computed."""
_LASTING = re.compile(r"token|passw|secret|session|api_?key", re.IGNORECASE)
_WHERE_PASSWORD = re.compile(
    r"\b(?:where|and)\s+[\w.]*?(password|passwd|pwd)\s*=\s*(?:\?|%s|%\(|:\w|\$\d)", re.IGNORECASE
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
    plain = False
    for module in table.project.modules:
        for function in module.functions:
            yield from _fast_hash(module, function)
        yield from one_a_file(
            one
            for function in module.functions
            for one in _guessable(table.project, module, function)
        )
        told = [
            one
            for function in module.functions
            for one in (
                *_asked_with(module, function),
                *_kept_as_typed(table.project, module, function),
            )
        ]
        if told:  # one file that keeps passwords as they are typed, in however many functions
            plain = True
            yield replace(told[0], also=tuple(one.place for one in told[1:]))
    for module in table.project.service:
        if not is_script(module.path):
            yield from _leaky_comparisons(module, told=plain)


def _leaky_comparisons(module: Module, *, told: bool) -> Iterator[Finding]:
    in_queries = {inner for call in module.calls for node in call.args for inner in nodes_in(node)}
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
        passwords = _PASSWORD.search(left) and _PASSWORD.search(right)
        if passwords and _hashed(module.owners.get(node)) & {
            dotted(node.left),
            dotted(node.comparators[0]),
        }:
            continue
        plain = passwords and _stored(node)
        message = f"{left} is compared with {'!=' if isinstance(node.ops[0], ast.NotEq) else '=='}"
        hint = "; the password is stored as it is" if plain else ""
        yield found(
            "crypto.non-constant-time-compare", module, node,
            f"{message}, which takes longer the more of it is right{hint}.",
            severity=Severity.HIGH if plain and not told else None,
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


def _hashed(owner: ast.AST | None) -> set[str]:
    """The names that hold a hash, whatever they are called."""
    return {
        target_name(target)
        for target, value in (assigns_in(owner) if owner else ())
        for call in nodes_in(value)
        if isinstance(call, ast.Call) and re.search(r"hash|digest|crypt", called(call))
    }


def _fast_hash(module: Module, function: Function) -> Iterator[Finding]:
    calls = [node for node in own_body(function) if isinstance(node, ast.Call)]
    if {called(node) for node in calls} & _SLOW or any(_slowed(node) for node in calls):
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


def _slowed(call: ast.Call) -> bool:
    """The fast hash only shortens what a slow one is made of: `pwd_context.hash(digest)`."""
    holder = dotted(call.func).rpartition(".")[0]
    slow = re.search(r"context|crypt|argon|hasher", holder, re.IGNORECASE)
    return called(call) in {"hash", "verify"} and slow is not None


def _asked_with(module: Module, function: Function) -> Iterator[Finding]:
    """A row that is looked for by the password that was typed: so it is kept as that."""
    if is_script(module.path):
        return
    hashed = _hashed(function)
    for node in own_body(function):
        if not isinstance(node, ast.Call):
            continue
        for name, value in _sought(node):
            typed = not isinstance(value, ast.Call) or called(value) == "get"
            known = _PASSWORD.search(target_name(value) or key_of(value))
            if typed and known and dotted(value) not in hashed:
                yield found(
                    "auth.plaintext-password", module, node,
                    f"{function.name} looks for a row whose {name} is what was typed: it is "
                    "stored as plain text.",
                    symbol=function.name,
                )  # fmt: skip
                return


def _sought(call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """The columns that say which row is meant, as far as they are passwords."""
    if called(call) == "filter_by":
        yield from (
            (it.arg, it.value) for it in call.keywords if it.arg and _PASSWORD.search(it.arg)
        )
    elif called(call) in {"find_one", "execute", "fetchrow", "fetch", "fetch_one"} and call.args:
        first = call.args[0]
        if isinstance(first, ast.Dict):
            pairs = zip(first.keys, first.values, strict=True)
            named = ((text_of(key) or "", value) for key, value in pairs if key is not None)
            yield from ((key, value) for key, value in named if _PASSWORD.search(key))
        elif column := _WHERE_PASSWORD.search(" ".join(strings_in(first))):
            for value in call.args[1:]:
                yield from ((column[1], it) for it in getattr(value, "elts", [value]))


def _called_for(project: Project, function: Function) -> bool:
    """Whether anything but an import names the function: what is only there makes no secret."""
    return bool(function.decorator_list) or any(
        function.name in {getattr(node, "id", ""), getattr(node, "attr", "")}
        for module in project.modules
        for node in module.nodes
        if isinstance(node, ast.Name | ast.Attribute)
    )


_SETS = re.compile(
    r"\bupdate\b.+\bset\b[^;]*\b(?:password|passwd)\s*=\s*(?:%s|\?|:\w+|\$\d)"
    r"|\binsert\s+into\s+[\"`]?\w+[\"`]?\s*\([^)]*\b(?:password|passwd)\b",
    re.IGNORECASE | re.DOTALL,
)
_TYPED = re.compile(r"^(new_?|user_?)?(password|passwd|pwd)$", re.IGNORECASE)
_HASHES = re.compile(r"hash|crypt|digest|encrypt|encode_password", re.IGNORECASE)


def _kept_as_typed(project: Project, module: Module, function: Function) -> Iterator[Finding]:
    """`UPDATE … SET password = %s` with what came in, and nothing hashes it on the way."""
    if is_script(module.path):
        return
    hashed = _hashed(function)
    for node in own_body(function):
        if not isinstance(node, ast.Call) or called(node) != "execute" or len(node.args) < 2:
            continue
        if not _SETS.search(" ".join(strings_in(node.args[0]))):
            continue
        for value in getattr(node.args[1], "elts", []):
            name = target_name(value) or key_of(value)
            if not _TYPED.search(name) or isinstance(value, ast.Call) or dotted(value) in hashed:
                continue
            if not _hashed_before(project, function, name):
                yield found(
                    "auth.plaintext-password", module, node,
                    f"{function.name} stores {name} as it came: nothing hashes it on the way.",
                    symbol=function.name,
                )  # fmt: skip
                return


def _hashed_before(project: Project, function: Function, name: str) -> bool:
    """Whether a caller hashes what it hands over under this name."""
    if name not in {one.arg for one in function.args.args}:
        return False
    callers = {
        module.owners.get(call)
        for module in project.modules
        for call in module.calls
        if called(call) == function.name
    }
    return any(
        _HASHES.search(called(call)) for owner in callers if owner for call in calls_in(owner)
    )


def _guessable(project: Project, module: Module, function: Function) -> Iterator[Finding]:
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
                if node in set(nodes_in(value))
            )
        )
        if _GUESSABLE.search(about):
            mild = _SOON_OVER.search(about) and not _LASTING.search(about)
            yield found(
                "crypto.weak-random", module, node,
                f"{function.name} makes a secret with random, whose next values can be computed.",
                severity=Severity.MEDIUM if mild or not _called_for(project, function) else None,
            )  # fmt: skip
            return
