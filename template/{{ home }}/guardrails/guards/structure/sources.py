"""The sources that somebody wrote, told from what was generated, built or installed."""

import re
from collections.abc import Iterator

from ...engine.tree import Tree
from .imports import SCRIPTS

_NOT_OURS = re.compile(
    r"(^|/)(node_modules|dist|build|out|coverage|vendor|vendored|third_party|venv|public|\.\w[^/]*"
    r"|static/(js|lib|vendor))/|\.min\.js$|[.-]bundle\.js$"
)
_TEST = re.compile(
    r"(^|/)(tests?|__tests__|_tests|e2e|cypress)/|\.(test|spec|stories)\.\w+$|(^|/)test_[^/]+\.py$"
)
_MINIFIED = 300


def written(tree: Tree) -> Iterator[tuple[str, str]]:
    """Every source file and its text."""
    for path in tree.ending(*SCRIPTS, ".py"):
        if _NOT_OURS.search(path):
            continue
        text = tree.text(path)
        if text and len(text) < _MINIFIED * (text.count("\n") + 1):
            yield path, text


def is_test(path: str) -> bool:
    return bool(_TEST.search(path))
