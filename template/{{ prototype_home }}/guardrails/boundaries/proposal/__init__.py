"""From the imports as they are today: the contracts that hold, or nearly hold."""

import posixpath
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...engine.tree import ITSELF, Tree, walk
from ..code import Code, read
from .clients import clients, openers
from .layering import layers
from .model import Proposal
from .parts import independents, sides
from .roles import bases
from .sizes import acyclic, ceiling
from .writing import written


def propose(root: Path, apps: Sequence[str] = (".",)) -> str:
    """The text of `boundaries.toml` for the applications in these folders; "." is the root."""
    tree = walk(root)
    return written([
        proposal
        for app in apps
        for proposal in proposals(read(tree, _below(app)), _below(app), _apart(tree))
    ])  # fmt: skip


def proposals(code: Code, below: str, apart: Sequence[str] = ()) -> Iterator[Proposal]:
    """The most telling first; `below` names the application where the tree holds others."""
    code = _without(code, apart)
    found = bases(code.texts)
    own = _own(code, below)
    where = f" in {below.rstrip('/')}" if below else ""
    asked = [proposal for base in found for proposal in clients(code, base)]
    yield from asked
    yield from openers(code, own, asked)
    for base in found:
        yield from layers(code, base)
    yield from sides(code, found)
    yield from independents(code, found)
    if own:
        yield from acyclic(code, own, where)
        yield from ceiling(code, own, where)


def _below(app: str) -> str:
    plain = app.strip("/").removeprefix("./")
    return "" if plain in {"", "."} else f"{plain}/"


def _own(code: Code, below: str) -> list[str]:
    """The application's own code: its folder, or at the root each folder and the files beside."""
    if below:
        return [f"{below}**"] if code.texts else []
    folders = {f"{path.partition('/')[0]}/**" for path in code.texts if "/" in path}
    beside = {f"*.{path.rpartition('.')[2]}" for path in code.texts if "/" not in path}
    return sorted(folders) + sorted(beside)


def _apart(tree: Tree) -> list[str]:
    """Folders that were fitted to the prototype: the service, and what runs it."""
    services = [path.rpartition("/")[0] for path in tree.files if path.endswith("/access.lock")]
    engines = [left.path for left in tree.left if left.why == ITSELF]
    ops = [posixpath.join(posixpath.dirname(engine), "ops") for engine in engines]
    return [f"{folder}/" for folder in (*services, *ops)]


def _without(code: Code, apart: Sequence[str]) -> Code:
    if not apart:
        return code
    out = tuple(apart)
    return Code(
        {path: text for path, text in code.texts.items() if not path.startswith(out)},
        tuple(entry for entry in code.references if not entry.source.startswith(out)),
    )
