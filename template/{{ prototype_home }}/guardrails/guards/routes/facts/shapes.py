"""Which fields a shape of zod's lets through: `User.partial()` has those of `User`."""

import re

from ...braces import closing_brace
from .program import Program
from .source import Module

_OBJECT = re.compile(r"\bz\w*\.(?:object|strictObject)\(\s*\{")
_BASE = re.compile(r"\s*([A-Za-z_$][\w$]*)\s*\.")
_STEP = re.compile(r"\.\s*(pick|omit|extend|merge)\(\s*(?:\{|([A-Za-z_$][\w$]*)\s*\))")
_FIELD = re.compile(r"(?:^|[,{\n])\s*['\"]?(\w+)['\"]?\s*:")
_DEEPEST = 4


def definition(program: Program, module: Module, name: str) -> tuple[Module, str] | None:
    """Where a value that stands outside of functions is made; a class may have a field of the
    same name as what its file imports.
    """
    taken = program.imported(module, name)
    there = program.exported(*taken) if taken else program.find(module, name)
    binding = there and there[0].outer_values.get(there[1])
    return (there[0], there[0].slice(binding)) if there and binding else None


def fields(program: Program, module: Module, text: str, depth: int = 0) -> set[str]:
    """The names of the fields, as far as they stand in the tree."""
    made = _OBJECT.match(text.lstrip())
    if made:
        start = len(text) - len(text.lstrip()) + made.end()
        end = closing_brace(text, start)
        found, rest = _keys(text[start:end]), text[end:]
    else:
        base = _BASE.match(text)
        there = definition(program, module, base[1]) if base and depth < _DEEPEST else None
        if base is None or there is None:
            return set()
        found, rest = fields(program, *there, depth + 1), text[base.end() - 1 :]
    for step in _STEP.finditer(rest):
        inside = rest[step.end() : closing_brace(rest, step.end())] if not step[2] else ""
        other = definition(program, module, step[2]) if step[2] and depth < _DEEPEST else None
        more = fields(program, *other, depth + 1) if other else _keys(inside)
        found = _stepped(step[1], found, more)
    return found


_LISTED = r"(?:^|[,{{\n\s])['\"]?{}['\"]?\s*:\s*\w+\.(?:enum|union|literal)\(([^()]*)\)"


def allowed(program: Program, module: Module, text: str, field: str, depth: int = 0) -> str:
    """The values that a field may have, where they are listed; nothing where any may be."""
    found = re.search(_LISTED.format(field), text)
    base = _BASE.match(text)
    if found or base is None or depth >= _DEEPEST:
        return found[1] if found else ""
    there = definition(program, module, base[1])
    return allowed(program, *there, field, depth + 1) if there else ""


def _stepped(step: str, found: set[str], more: set[str]) -> set[str]:
    if step == "pick":
        return found & more
    return found - more if step == "omit" else found | more


def _keys(inside: str) -> set[str]:
    """The keys of an object's own, none of those further in."""
    depth, flat = 0, []
    for sign in inside:
        depth -= sign in ")}]"
        flat.append(sign if not depth else " ")
        depth += sign in "({["
    return set(_FIELD.findall("{" + "".join(flat)))
