"""Functions that nothing runs: what they would do, nobody meets."""

from ...engine import regex as re
from .source import Source, resolve

CODE = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".vue", ".svelte", ".html")
_HANDED_OUT = re.compile(
    r"^\s*export\s*(?:default\s*)?\{|^\s*module\.exports|^\s*export\s+default\s+\w+\s*;?\s*$|^\s*//|^\s*\*"
)
_RUN_BY_OTHERS = re.compile(
    r"\bexport\s+default\b|\bwindow\.|\bmethods\.|\bexports\.|\bglobalThis\.|^\s*@|\bprototype\."
    r"|export\s+(?:async\s+)?(?:function|const)\s+(?:GET|POST|PUT|PATCH|DELETE|handler|loader|action|middleware)\b"
)
_DEEPEST = 3


def unused(source: Source, line: int, depth: int = 0) -> bool:
    """Whether nothing in the tree runs the named function around a line."""
    name = source.symbol(line).rpartition(".")[2]
    if not re.fullmatch(r"\w{4,}", name) or depth > _DEEPEST:
        return False
    first, last = source.named_block(line)
    if _RUN_BY_OTHERS.search(source.between(max(1, first - 1), first)):
        return False
    if any(_runs(source, path, name) for path in _others(source)):
        return False
    word = re.compile(rf"\b{name}\b")
    inside = [
        number
        for number, text in enumerate(source.lines, 1)
        if word.search(text) and not first <= number <= last and not _HANDED_OUT.search(text)
    ]
    return all(source.symbol(one) and unused(source, one, depth + 1) for one in inside)


def _others(source: Source) -> list[str]:
    return [path for path in source.tree.ending(*CODE) if path != source.path]


def _runs(source: Source, other: str, name: str) -> bool:
    """Whether another file takes the name from this one, or calls a method that is called so."""
    text = source.tree.text(other) or ""
    if name not in text:
        return False
    if re.search(rf"\b{name}\b[^;=]*=\s*require", text):
        return True
    owners = {one[1] for one in re.finditer(rf"(\w*)[?!)]*\.{name}\b", text)}
    if any(not _of_another(source, other, text, owner) for owner in owners):
        return True
    taken = re.finditer(rf"\b{name}\b[^;]*?\bfrom\s*[\"'`]([^\"'`]*/[^\"'`]*)[\"'`]", text)
    return any(_leads_here(source, other, one[1]) for one in taken)


def _of_another(source: Source, other: str, text: str, owner: str) -> bool:
    """`bookings.pay()`, where `bookings` is the whole of some other file of the tree."""
    taken = re.search(
        rf"\bimport\s+(?:\*\s+as\s+)?{owner}\s+from\s*[\"'`]([^\"'`]+)[\"'`]"
        rf"|\b{owner}\s*=\s*require\(\s*[\"'`]([^\"'`]+)[\"'`]\s*\)",
        text,
    )
    if not owner or taken is None:
        return False
    found = resolve(source.tree, other, taken[1] or taken[2])
    return found is not None and found != source.path and "/index." not in f"/{found}"


def _leads_here(source: Source, other: str, target: str) -> bool:
    """What can't be followed, and a file that hands on what others have, may lead here."""
    found = resolve(source.tree, other, target)
    return found in {None, source.path} or "/index." in f"/{found}"
