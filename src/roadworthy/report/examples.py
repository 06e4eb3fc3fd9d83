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
    cut = parts(fault.rule.example)
    language = _language(fault, stack)
    return cut.get(language) or cut.get("") or fault.rule.example


def parts(whole: str) -> dict[str, str]:
    """What is in which language; what stands before the first head is in any, or no, language."""
    heads = list(_HEAD.finditer(whole))
    begins = [head.start() for head in heads]
    cut = {"": whole[: begins[0]] if begins else whole}
    for head, end in zip(heads, [*begins, len(whole)][1:], strict=True):
        cut[head[1]] = whole[head.start() : end].rstrip() + "\n"
    return cut


def _language(fault: Fault, stack: Stack) -> str:
    """Of the first place that has one; a fault of the whole tree is in the tree's main one."""
    for issue in fault.issues:
        suffix = PurePosixPath(issue.places[0].path).suffix.lower()
        if suffix in _LANGUAGES:
            return _LANGUAGES[suffix]
    names = [language.name for language in stack.languages]
    return "Python" if names[:1] == ["Python"] else "TypeScript"
