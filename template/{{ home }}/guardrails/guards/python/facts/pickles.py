"""What is unpickled: a file that the program keeps for itself, or something that may be sent."""

import ast
import re

from .modules import Function, Module
from .syntax import called, names_in, own_body, parameters, strings_in, words_in

_SENT = re.compile(
    r"request|upload|(?:^|_)(?:files?_?storage|form|body|payload|download\w*|tmp|temp)(?:_|$)"
    r"|^(?:urlopen|urlretrieve)$",
    re.IGNORECASE,
)
_BY_PATH = {"read_pickle"}
_LOADS = {"load", "Unpickler", *_BY_PATH}


def kept_by_the_program(module: Module, line: int) -> bool:
    """Whether all that the line unpickles are files whose names nobody sends."""
    loads = [
        call
        for call in module.calls
        if call.lineno <= line <= (call.end_lineno or call.lineno) and called(call) in _LOADS
    ]
    return bool(loads) and all(_from_own_file(module, call) for call in loads)


def _from_own_file(module: Module, call: ast.Call) -> bool:
    if not call.args:
        return False
    function = module.owners.get(call)
    if called(call) in _BY_PATH:
        return not _may_be_sent(module, function, call.args[0])
    opened = _opened(module, function, call.args[0])
    return opened is not None and not _may_be_sent(module, function, opened)


def _opened(module: Module, function: Function | None, source: ast.expr) -> ast.expr | None:
    """What is opened for `load(open(path))`, and for `with open(path) as file: load(file)`."""
    if isinstance(source, ast.Call):
        return source if called(source) == "open" else None
    names = names_in(source)
    for node in own_body(function) if function else module.nodes:
        if isinstance(node, ast.withitem) and names_in(node.optional_vars) & names:
            given = node.context_expr
        elif isinstance(node, ast.Assign) and any(names_in(one) & names for one in node.targets):
            given = node.value
        else:
            continue
        return given if called(given) == "open" else None
    return None


def _may_be_sent(module: Module, function: Function | None, opened: ast.expr) -> bool:
    """A handler's own parameters are, and what is named after a request or an upload."""
    told = [opened, *_definitions(module, function, names_in(opened))]
    words = {word for one in told for word in words_in(one) | strings_in(one)}
    if any(_SENT.search(word) for word in words):
        return True
    if function is None or not function.decorator_list:
        return False
    return any(parameter.arg in words for parameter, _ in parameters(function))


def _definitions(module: Module, function: Function | None, names: set[str]) -> list[ast.expr]:
    around = [*own_body(function), *module.tree.body] if function else list(module.tree.body)
    return [
        node.value
        for node in around
        if isinstance(node, ast.Assign) and any(names_in(one) & names for one in node.targets)
    ]
