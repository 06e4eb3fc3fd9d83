"""How often something may be asked: limits for all routes, and for one that is marked."""

import ast
import re

from .modules import Function, Module, Project
from .syntax import called, dotted, keyword, strings_in, words_in

_LIMITERS = (
    "slowapi", "flask_limiter", "fastapi_limiter", "ratelimit", "django_ratelimit", "axes",
    "limits", "pyrate_limiter", "aiolimiter", "throttling",
)  # fmt: skip


def is_limited(project: Project) -> bool:
    if project.imports_any(*_LIMITERS):
        return not _only_marked(project)
    return any(
        (isinstance(node, ast.Constant) and node.value == 429)
        or (isinstance(node, ast.Attribute) and re.match(r"HTTP_429|TOO_MANY", node.attr))
        or (isinstance(node, ast.Name) and node.id.startswith("HTTP_429"))
        or (isinstance(node, ast.Constant) and node.value == "DEFAULT_THROTTLE_RATES")
        for module in project.service
        for node in module.nodes
    )


def _only_marked(project: Project) -> bool:
    """A limiter without limits of its own, which holds only where a route is marked with it."""
    made = [
        call
        for module in project.service
        for call in module.calls
        if called(call) == "Limiter" and not project.resolve(module, dotted(call.func)).module
    ]
    wide = ("default_limits", "application_limits", "default_limits_per_method")
    return (
        bool(made)
        and not any(_holds_all(module) for module in project.service)
        and not any(keyword(call, *wide) for call in made)
    )


def _holds_all(module: Module) -> bool:
    """A default in the settings, or `limiter.limit("9/minute")(blueprint)`."""
    return "RATELIMIT_DEFAULT" in words_in(module.tree) | strings_in(module.tree) or any(
        isinstance(call.func, ast.Call) and called(call.func) in {"limit", "shared_limit"}
        for call in module.calls
    )


def marked(function: Function) -> bool:
    return any(
        re.search(r"limit|thrott", dotted(mark), re.IGNORECASE) for mark in function.decorator_list
    )
