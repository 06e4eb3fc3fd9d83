"""Which files are somebody's own code, and which were generated, built or copied in."""

from collections import Counter
from dataclasses import dataclass, field

from ...engine import regex as re
from ...engine.finding import NotLooked
from ...engine.tree import MOST_BYTES, Tree

_ENDINGS = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts")
_NAMES = (
    (re.compile(r"\.min\.[cm]?js$|[.-]bundle\.js$|\.chunk\.js$"), "minified"),
    (re.compile(r"\.d\.[cm]?ts$"), "type declarations"),
    (re.compile(r"(^|/)(dist|\.?vercel|coverage|_next|storybook-static)/"), "build output"),
    (re.compile(r"(^|/)build/(static|assets)/|(^|/)assets/index-[\w-]{8}\.js$"), "build output"),
    (re.compile(r"(^|/)(vendor|vendors|third[-_]party|lib/jquery)/"), "copied libraries"),
    (re.compile(r"(^|/)components/ui/[\w-]+\.[jt]sx$"), "shadcn components"),
    (re.compile(r"(^|/)(__generated__|generated)/|\.(gen|generated)\.[jt]sx?$"), "generated"),
    (re.compile(r"(^|/)(jquery|bootstrap|swiper|chart)[\w.-]*\.js$"), "copied libraries"),
)
_SUPABASE_TYPES = re.compile(r"(^|/)(types|database\.types|supabase\.types|supabase)\.ts$")
_WIDEST = 1_000
"""Nobody writes code with lines this wide on average: it is minified, or data."""


@dataclass
class Selection:
    """The files to scan, and how many were left for what reason."""

    files: list[str] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)

    def not_looked(self) -> list[NotLooked]:
        return [
            NotLooked(f"{count} {'file' if count == 1 else 'files'} of code", why)
            for why, count in sorted(self.left.items())
        ]


def select(tree: Tree) -> Selection:
    selection = Selection()
    for path in tree.ending(*_ENDINGS):
        if why := _left(tree, path):
            selection.left[why] += 1
        else:
            selection.files.append(path)
    return selection


def _left(tree: Tree, path: str) -> str:
    for pattern, why in _NAMES:
        if pattern.search(path):
            return why
    if not path.isprintable() or path.encode(errors="surrogateescape") != path.encode(
        errors="replace"
    ):
        return "a name that is no printable text"
    if tree.sizes[path] > MOST_BYTES:
        return "too big"
    if tree.sizes[path] < 20_000 and not _SUPABASE_TYPES.search(path):
        return ""
    return _by_content(tree.text(path), path)


def _by_content(text: str | None, path: str) -> str:
    if text is None:
        return "not readable as text"
    if _SUPABASE_TYPES.search(path) and "export type Json" in text:
        return "generated"
    if len(text) > _WIDEST * (text.count("\n") + 1):
        return "minified"
    return "generated" if re.search(r"@generated|DO NOT EDIT", text[:600]) else ""
