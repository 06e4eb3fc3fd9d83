"""The path of a route that is no literal: `routes.orders.create.path`, `PREFIX + "/orders"`."""

import re
from collections.abc import Iterator

from .program import Program
from .source import WORD, Argument, Module

_DEEPEST = 3
_LONGEST = 200_000


def path_of(program: Program, module: Module, argument: Argument) -> str:
    """The text if it can be found, else the words of the expression, which name the route too."""
    code = module.slice(argument)
    if (found := _text(program, module, code)) is not None:
        return found
    words = [word for word in WORD.findall(code) if not re.fullmatch(r"path|url|route|href", word)]
    return "/" + "/".join(words)


def _text(program: Program, module: Module, code: str, depth: int = 0) -> str | None:
    code = re.sub(r"\s+as\s+const$|^\((.*)\)$", r"\1", code.strip())
    if depth > _DEEPEST:
        return None
    if whole := re.fullmatch(r"(['\"`])([^'\"`]*)\1", code):
        return _filled(program, module, whole[2], depth) if whole[1] == "`" else whole[2]
    if "+" in code:
        parts = [_text(program, module, part, depth + 1) for part in code.split("+")]
        return None if None in parts else "".join(part or "" for part in parts)
    if not re.fullmatch(r"[\w$]+(?:\.[\w$]+)*", code):
        return None
    head, *keys = code.split(".")
    there = program.find(module, head)
    binding = there and there[0].outer_values.get(there[1])
    if not there or not binding:
        return None
    value = there[0].slice(binding)[:_LONGEST]
    for key in keys:
        value = property_of(value, key)
    return _text(program, there[0], value, depth + 1) if value else None


def _filled(program: Program, module: Module, template: str, depth: int) -> str:
    """A template with its constants put in; what is not known stays as it is written."""

    def known(match: "re.Match[str]") -> str:
        found = _text(program, module, match[1], depth + 1)
        return match[0] if found is None else found

    return re.sub(r"\$\{([^{}]*)\}", known, template)


def property_of(code: str, key: str) -> str:
    """The text of a property's value in an object literal, empty when it isn't there."""
    depth, at, end = 0, code.find("{"), len(code)
    wanted = re.compile(rf"['\"]?{re.escape(key)}['\"]?\s*:\s*")
    while 0 <= at < end:
        char = code[at]
        if depth == 1 and code[at - 1] in "{, \n\t" and (match := wanted.match(code, at)):
            return _value(code, match.end())
        if char in "'\"`":
            at = _behind(code, at)
            continue
        depth += (char in "{[(") - (char in "}])")
        at += 1
    return ""


def _value(code: str, start: int) -> str:
    depth, at = 0, start
    while at < len(code):
        char = code[at]
        if char in "'\"`":
            at = _behind(code, at)
            continue
        if depth == 0 and char in ",}":
            break
        depth += (char in "{[(") - (char in "}])")
        at += 1
    return code[start:at].strip()


def _behind(code: str, at: int) -> int:
    """The offset behind a string that starts there."""
    end = code.find(code[at], at + 1)
    return len(code) if end < 0 else end + 1


def elements_of(code: str) -> Iterator[tuple[int, int]]:
    """Where each element of an array literal starts and ends."""
    depth, at, start = 0, 0, 1
    while at < len(code):
        char = code[at]
        if char in "'\"`":
            at = _behind(code, at)
            continue
        depth += (char in "{[(") - (char in "}])")
        if (char == "," and depth == 1) or (char == "]" and not depth):
            words = code[start:at]
            if words.strip():
                yield start + len(words) - len(words.lstrip()), start + len(words.rstrip())
            start = at + 1
        at += 1
