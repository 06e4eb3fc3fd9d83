"""Whether code that makes tables is one that somebody starts by hand, to try things with."""

import re

from ...engine.tree import Tree

_BY_NAME = re.compile(r"^if\s+__name__\s*==", re.MULTILINE)
_FUNCTION = re.compile(r"^def\s+(\w+)", re.MULTILINE)
_STARTS = ("Procfile", "Dockerfile", "render.yaml", "docker-compose.yml", "docker-compose.yaml")


def for_trying(tree: Tree, path: str, text: str, at: int) -> bool:
    """Whether it fills a database to try things with, or makes the one of a developer."""
    near = text[max(0, at - 160) : at]
    name = path.rpartition("/")[2]
    if "seed" in name.lower() or "sqlite" in near:
        return True
    return _by_hand_only(text, at) and not _started_by_name(tree, name)


def _by_hand_only(text: str, at: int) -> bool:
    """Whether it happens only where the file itself is run: a server that imports it does not."""
    main = _BY_NAME.search(text)
    if main is None or main.start() < at:
        return main is not None
    above = list(_FUNCTION.finditer(text, 0, at))
    if not above or re.search(r"\n[^\s#]", text[above[-1].end() : at]):
        return False
    calls = [one.start() for one in re.finditer(rf"(?<!def )\b{above[-1][1]}\b", text)]
    return bool(calls) and min(calls) > main.start()


def _started_by_name(tree: Tree, name: str) -> bool:
    runs = re.compile(rf"\bpython3?[\s\"',]+(?:[\w./-]+/)?{re.escape(name)}\b")
    starts = tree.matching(*(f"**/{one}" for one in _STARTS))
    return any(runs.search(tree.text(path) or "") for path in starts)
