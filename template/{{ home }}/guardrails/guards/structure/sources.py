"""The sources that somebody wrote, told from what was generated, built or installed."""

import re
from collections.abc import Iterator

from ...engine.tree import Tree
from .imports import SCRIPTS

_NOT_OURS = re.compile(
    r"(^|/)(node_modules|dist|build|out|coverage|vendor|vendored|third_party|venv|public|\.\w[^/]*"
    r"|static/(js|lib|vendor))/|\.min\.js$|[.-]bundle\.js$"
)
_DATA = re.compile(
    r"(^|/)(i18n|locales?|translations?|lang|data|seeds?|fixtures|mocks?|constants|migrations)/"
    r"|(^|/)(translations?|seed|mock|types|schema|database\.types|countries)[\w.-]*\.\w+$",
    re.IGNORECASE,
)
_GENERATED = re.compile(
    r"@generated|auto-?generated|do not edit|export type Database = \{|export interface Database",
    re.IGNORECASE,
)
_LITERAL = re.compile(
    r"^[ \t]*(?:[\w'\"-]+[ \t]*:[ \t]*)?(?:[\"'`\[{\]}\d][^()=\n]*)$", re.MULTILINE
)
_MOSTLY = 0.75
"""A file with more lines than this that only hold values is content, not code."""
_MINIFIED = 300


def written(tree: Tree) -> Iterator[tuple[str, str]]:
    """Every source file and its text."""
    for path in tree.ending(*SCRIPTS, ".py"):
        if _NOT_OURS.search(path):
            continue
        text = tree.text(path)
        if text and len(text) < _MINIFIED * (text.count("\n") + 1):
            yield path, text


def is_content(path: str, text: str) -> bool:
    """Values rather than code, or generated: its length says nothing."""
    if _DATA.search(path) or _GENERATED.search(text[:3000]):
        return True
    return len(_LITERAL.findall(text)) > (text.count("\n") + 1) * _MOSTLY
