"""The part of a rule's example that is in the language of what was found."""

import re
from pathlib import PurePosixPath

from roadworthy.inspection import Fault
from roadworthy.stack import Stack

_HEAD = re.compile(r"^(?://|#|--) (?:or, in )?(TypeScript|Python|SQL)\b", re.MULTILINE)
_LANGUAGES = {
    **dict.fromkeys((".py", ".ipynb", ".toml", ".cfg"), "Python"),
    **dict.fromkeys(
        (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".vue", ".svelte"), "TypeScript"
    ),
    ".sql": "SQL",
}


def example(fault: Fault, stack: Stack) -> str:
    """An example in several languages is cut to the one; without such a part it stays whole."""
    whole = fault.rule.example
    heads = list(_HEAD.finditer(whole))
    if not heads:
        return whole
    ends = [head.start() for head in heads[1:]] + [len(whole)]
    first = "" if heads[0].start() == 0 else whole[: heads[0].start()]
    parts = {
        head[1]: whole[head.start() : end].rstrip() + "\n"
        for head, end in zip(heads, ends, strict=True)
    }
    language = _language(fault, stack)
    if first and language not in parts:
        return first
    return parts.get(language, whole)


def _language(fault: Fault, stack: Stack) -> str:
    """Of the first place that has one; a fault of the whole tree is in the tree's main one."""
    for issue in fault.issues:
        suffix = PurePosixPath(issue.places[0].path).suffix.lower()
        if suffix in _LANGUAGES:
            return _LANGUAGES[suffix]
    names = [language.name for language in stack.languages]
    return "Python" if names[:1] == ["Python"] else "TypeScript"
