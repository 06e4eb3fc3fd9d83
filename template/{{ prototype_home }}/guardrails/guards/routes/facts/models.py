"""What a model says about its rows: a hash that is handed out with them, and keys there once."""

import re

from .program import Program
from .queries import stem
from .source import Module

_PASSWORD = re.compile(
    r"(?<![\w$.])['\"]?(?:password|password_?[hH]ash|hashed_?[pP]assword)['\"]?\s*:\s*(?=[\{Ss])"
)
_LEFT_OUT = re.compile(
    r"select\s*:\s*false|delete\s+\w+\.\w*[pP]assword|defaultScope|toJSON\s*[(:=]|omit\s*:"
)
"""Who asks for a row does not get it, or not the whole of it."""
_MODEL = re.compile(
    r"\b(?:Schema\s*(?:<[^()]*>)?\s*\(|sequelize\.define\(|\.init\(|defineModel|model\s*(?:<[^()]*>)?\()"
)


def model_text(program: Program, module: Module, name: str) -> str:
    """The code that declares the model, as far as the imports lead to it; nothing for others."""
    there = program.imported(module, name)
    found = there[0] if there else module
    if not _MODEL.search(found.code):
        return ""
    return _own_part(found.code, there[1] if there else name) or found.code


_SCHEMA = re.compile(r"\b(?:const|let|var)\s+(\w+)[^=;\n]*=\s*new\s+(?:mongoose\.)?Schema\b")


def _own_part(code: str, name: str) -> str:
    """Of a file with several models what is said of this one: nothing where that can't be told."""
    parts = list(_SCHEMA.finditer(code))
    made = re.search(
        rf"\b{re.escape(name)}\b[^;\n]*\bmodel\w*\s*(?:<[^()]*>)?\([^,()]*,\s*(\w+)", code
    )
    at = next((n for n, one in enumerate(parts) if made and one[1] == made[1]), -1)
    if len(parts) < 2 or at < 0:
        return ""
    end = parts[at + 1].start() if at + 1 < len(parts) else len(code)
    return code[parts[at].start() : end] + " Schema()"


def keeps_hash(text: str) -> bool:
    """Whether a row has a password in it that every read of the row brings along."""
    return _PASSWORD.search(text) is not None and _LEFT_OUT.search(text) is None


def prisma_model(program: Program, name: str) -> str:
    """The model of a `schema.prisma` of that name."""
    return next(
        (
            found[0]
            for path in program.tree.ending(".prisma")
            if (
                found := re.search(
                    rf"(?im)^model\s+{re.escape(name)}\s*\{{[^}}]*\}}",
                    program.tree.text(path) or "",
                )
            )
        ),
        "",
    )


HASH = re.compile(r"(?mi)^\s*((?:hashed_?)?password\w*)\s")
"""A column of a model of Prisma's."""


def only_once(text: str, keys: list[str]) -> bool:
    """Whether the store itself refuses a second row with these values."""
    for key in keys:
        field = (
            rf"(?<![\w$.])['\"]?{re.escape(key)}['\"]?\s*:\s*\{{[^{{}}]*\bunique\s*:\s*(?!false)"
        )
        if re.search(field, text) or re.search(
            rf"(?m)^\s*{re.escape(key)}\s.*@(?:unique|id)\b", text
        ):
            return True
    return bool(
        re.search(r"\.index\(\s*\{[^{}]*\}\s*,\s*\{[^{}]*\bunique\s*:\s*true", text)
        or re.search(r"@@(?:unique|id)\(|indexes\s*:\s*\[[^\]]*unique\s*:\s*true", text)
    )


_PRISMA_MODEL = re.compile(r"(?m)^model\s+(\w+)\s*\{([^}]*)\}")
_HANGS_ON = re.compile(r"(?m)^\s*\w+\s+(\w+)\s+@relation\([^)\n]*fields\s*:")
"""A relation that must be there: `unit Unit @relation(fields: [unitId], ...)`."""


def below(program: Program, owned: set[str]) -> set[str]:
    """The stems of tables whose rows can't be without a row of one of these, these with them."""
    parents = {
        stem(model): {stem(one) for one in _HANGS_ON.findall(text)}
        for path in program.tree.ending(".prisma")
        for model, text in _PRISMA_MODEL.findall(program.tree.text(path) or "")
    }
    found = set(owned)
    while more := {one for one, above in parents.items() if above & found} - found:
        found |= more
    return found
