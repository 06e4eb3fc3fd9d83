"""What a class or a factory is handed when it is made: `new Orders(new OrdersService())`."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .source import WORD, Call, Module

if TYPE_CHECKING:
    from .program import Program

Site = tuple[Module, str]
"""A file, and an expression in it."""

_ASSIGNED = r"\bthis\.{}\s*=\s*(?:await\s+)?(new\s+\w+\([^;\n]*|\w+)"
_PARAMETER = re.compile(
    r"^(?:(?:private|public|protected|readonly|override)\s+)*([A-Za-z_$][\w$]*)\s*(?:[?:=]|$)"
)
_RENAMED = r"[{{,]\s*(?:(\w+)\s*:\s*)?{}\s*(?=[,=}}])"


class Wiring:
    """Where the parsed files make what other files declare."""

    def __init__(self, program: "Program") -> None:
        self._program = program
        self._seen: set[str] = set()
        self._sites: dict[str, list[tuple[Module, Call]]] = {}
        self._kept: dict[tuple[str, str], str] = {}

    def handed(self, module: Module, part: str) -> Iterator[Site]:
        """The expressions that are given for `part` (a parameter, or a field that keeps one) to
        what the file declares.
        """
        part = self._kept_in(module, part)
        if part.startswith("new "):
            yield module, part
            return
        for index, key in _parameters(module, part):
            for site, call in self._makes(module):
                if index < len(call.arguments):
                    given = site.slice(call.arguments[index])
                    if text := _entry(given, key) if key else given:
                        yield site, text

    def _kept_in(self, module: Module, part: str) -> str:
        """What the field `part` keeps; it is asked for each call on it."""
        key = module.path, part
        if key not in self._kept:
            made = re.search(_ASSIGNED.format(re.escape(part)), module.code)
            self._kept[key] = made[1] if made else part
        return self._kept[key]

    def _makes(self, module: Module) -> Iterator[tuple[Module, Call]]:
        for path, parsed in [*self._program.parsed()]:
            if path not in self._seen:
                self._seen.add(path)
                for name, entry in parsed.imports.items():
                    target = self._program.resolve(path, entry.source)
                    calls = (one for one in parsed.calls if one.callee == name and one.arguments)
                    if target:
                        self._sites.setdefault(target, []).extend((parsed, one) for one in calls)
        yield from self._sites.get(module.path, ())
        names = {one[0] for one in module.classes}
        yield from ((module, one) for one in module.calls if one.callee in names and one.arguments)


def _parameters(module: Module, part: str) -> Iterator[tuple[int, str]]:
    """(Which argument, which property of it) `part` is, of a constructor or a factory."""
    for function in module.functions:
        if not (function.outer or function.name == "constructor"):
            continue
        for index, text in enumerate(function.parameters):
            plain = _PARAMETER.match(text)
            if plain and plain[1] == part:
                yield index, ""
            elif text.startswith("{") and (found := re.search(_RENAMED.format(part), text)):
                yield index, found[1] or part


def _entry(given: str, key: str) -> str:
    """`{ orders: new OrdersService() }`: what is given for `orders`."""
    found = re.search(
        rf"[{{,]\s*{re.escape(key)}\s*(?::\s*((?:new\s+)?[\w$.]+(?:\()?)|(?=[,}}]))", given
    )
    return "" if found is None else found[1] or key


_RESOLVED = re.compile(
    r"(?:\w*[cC]ontainer|[iI]njector)\.(?:resolve|get|make)(?:<[^<>()]*>)?"
    r"\(\s*['\"]?([A-Za-z_$][\w$]*)"
)
"""A container of dependencies makes what it is asked for."""
_MADE = re.compile(r"(?:await\s+)?(?:new\s+)?([A-Za-z_$][\w$]*)\s*(?:<[^<>()]*>)?\(")


def maker(text: str) -> str:
    """The class or the factory that makes the value of an expression, if one does."""
    text = text.strip()
    found = _RESOLVED.match(text) or _MADE.match(text)
    return found[1] if found else ""


def bound(module: Module, name: str) -> str:
    """The text that a name of the file is bound to."""
    if not WORD.fullmatch(name):
        return ""
    binding = module.outer_values.get(name) or module.bound_once.get(name)
    return module.slice(binding) if binding else ""


def superclass(module: Module, name: str) -> str:
    found = re.search(
        rf"\bclass\s+{re.escape(name)}\b(?:<[^{{}}]*?>)?\s+extends\s+([A-Za-z_$][\w$]*)",
        module.code,
    )
    return found[1] if found else ""
