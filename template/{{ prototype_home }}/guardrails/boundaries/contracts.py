"""The contracts: `boundaries.toml` beside the guardrails, yours to edit and reviewed when edited.

A contract has a `name`, a `kind`, and what the kind asks for; `instead` says the way out. Places
are globs from the repository's root; `package:NAME` is a package that is installed, and
`package:NAME#one,other` some names of it.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..engine.guards import HERE
from ..engine.tree import read_within
from ..gate import NotChecked
from .globs import BadGlob, compiled

FILE = "boundaries.toml"
_ELSEWHERE = ("guardrails", "guarded/guardrails")
PACKAGE = "package:"
PUBLIC = ("index.*", "__init__.py", "public.*")

Globs = tuple[str, ...]


@dataclass(frozen=True)
class Layers:
    """Each layer may import from those below it, and from none above. The first is the top."""

    layers: tuple[Globs, ...]

    @property
    def places(self) -> Mapping[str, Globs]:
        return {f"layer {n}": layer for n, layer in enumerate(self.layers, start=1)}


@dataclass(frozen=True)
class Forbidden:
    """What is in `source` imports nothing of `target`."""

    source: Globs
    target: Globs

    @property
    def places(self) -> Mapping[str, Globs]:
        return {"from": self.source, "to": self.target}


@dataclass(frozen=True)
class Independent:
    """Each thing that a glob of `modules` fits knows of the others what is `public` alone."""

    modules: Globs
    public: Globs = PUBLIC

    @property
    def places(self) -> Mapping[str, Globs]:
        return {"modules": self.modules}


@dataclass(frozen=True)
class Acyclic:
    """Of the files in `within` none needs another that needs it, while they are loaded."""

    within: Globs

    @property
    def places(self) -> Mapping[str, Globs]:
        return {"within": self.within}


@dataclass(frozen=True)
class Ceiling:
    """No file has more than `lines`, and no function more than `function_lines` (0: any).

    `allowed` are files that were longer already, and how long each may be.
    """

    files: Globs
    lines: int = 0
    function_lines: int = 0
    allowed: Mapping[str, int] = field(default_factory=dict)

    @property
    def places(self) -> Mapping[str, Globs]:
        return {"files": self.files}


@dataclass(frozen=True)
class OnlyThrough:
    """`target` is imported by what is in `through`, and by nobody else in `source`."""

    target: Globs
    through: Globs
    source: Globs = ("**",)

    @property
    def places(self) -> Mapping[str, Globs]:
        return {"from": self.source, "target": self.target}


Terms = Layers | Forbidden | Independent | Acyclic | Ceiling | OnlyThrough


@dataclass(frozen=True)
class Contract:
    """One rule between parts of the code, under the name that its findings carry."""

    name: str
    kind: str
    terms: Terms
    instead: str = ""


class BrokenContracts(NotChecked):
    """Contracts that can't be understood; the message names the file, the contract and the key."""


def home(root: Path) -> str:
    """Where the tree's contracts are: beside the engine when that is the tree's own."""
    folder = root.resolve()
    if HERE.is_relative_to(folder):
        return HERE.relative_to(folder).as_posix()
    return next((name for name in _ELSEWHERE if (root / name / FILE).is_file()), _ELSEWHERE[0])


def load(root: Path) -> list[Contract]:
    """The tree's contracts; none when it has no such file.

    Raises:
        BrokenContracts: the file is no TOML, or a contract is not as its kind asks.
    """
    path = f"{home(root)}/{FILE}"
    if not (root / path).exists():
        return []
    data = read_within(root, path)
    if data is None:
        raise BrokenContracts(f"{path} can't be read")
    return parse(data.decode("utf-8", errors="replace"), path)


def parse(text: str, path: str = FILE) -> list[Contract]:
    """Raises BrokenContracts."""
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BrokenContracts(f"{path} is no TOML: {error}") from None
    entries = content.pop("contract", [])
    if content or not isinstance(entries, list):
        raise BrokenContracts(f"{path} holds [[contract]] tables, no more")
    contracts = [_contract(entry, f"{path}: contract {n}") for n, entry in enumerate(entries, 1)]
    names = [contract.name for contract in contracts]
    if twice := {name for name in names if names.count(name) > 1}:
        raise BrokenContracts(f"{path}: two contracts are called {min(twice)!r}")
    return contracts


def _contract(entry: Any, where: str) -> Contract:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not entry["name"]:
        raise BrokenContracts(f"{where} has no name")
    values = dict(entry)
    name, kind = values.pop("name"), values.pop("kind", None)
    where = f"{where} ({name!r})"
    if kind not in _KINDS:
        raise BrokenContracts(f"{where}: kind is one of {', '.join(_KINDS)}")
    instead = values.pop("instead", "")
    try:
        terms = _KINDS[kind](_Keys(values))
    except (BadGlob, KeyError, TypeError, ValueError) as error:
        raise BrokenContracts(f"{where}: {error.args[0] if error.args else error}") from None
    if values:
        raise BrokenContracts(f"{where} has unknown keys: {', '.join(sorted(values))}")
    return Contract(name, kind, terms, str(instead))


class _Keys:
    """The keys of a contract, each taken once."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def globs(self, key: str, default: Globs | None = None, *, packages: bool = False) -> Globs:
        if key not in self._values and default is not None:
            return default
        return _globs(self._values.pop(key, None), key, packages=packages)

    def layers(self, key: str) -> tuple[Globs, ...]:
        given = self._values.pop(key, None)
        if not isinstance(given, list) or len(given) < 2:
            raise ValueError(f"`{key}` is a list of two layers or more, the top one first")
        return tuple(_globs(layer, key) for layer in given)

    def number(self, key: str) -> int:
        given = self._values.pop(key, 0)
        if not isinstance(given, int) or isinstance(given, bool) or given < 0:
            raise ValueError(f"`{key}` is a number of lines")
        return given

    def numbers(self, key: str) -> dict[str, int]:
        given = self._values.pop(key, {})
        if not isinstance(given, dict) or not all(isinstance(it, int) for it in given.values()):
            raise ValueError(f"`{key}` says of a file how many lines it may have")
        return given


def _globs(given: Any, key: str, *, packages: bool = False) -> Globs:
    some = [given] if isinstance(given, str) else given
    if not isinstance(some, list) or not all(isinstance(glob, str) for glob in some):
        raise ValueError(f"`{key}` is a glob or a list of globs")
    for glob in some:
        if not glob.startswith(PACKAGE):
            compiled(glob)
        elif not packages:
            raise ValueError(f"`{key}` can't hold {glob!r}, only places in the tree")
    return tuple(some)


_KINDS: Mapping[str, Callable[[_Keys], Terms]] = {
    "layers": lambda keys: Layers(keys.layers("layers")),
    "forbidden": lambda keys: Forbidden(keys.globs("from"), keys.globs("to", packages=True)),
    "independent": lambda keys: Independent(
        keys.globs("modules"), keys.globs("public", PUBLIC)
    ),
    "acyclic": lambda keys: Acyclic(keys.globs("within")),
    "ceiling": lambda keys: Ceiling(
        keys.globs("files"),
        keys.number("lines"),
        keys.number("function_lines"),
        keys.numbers("allowed"),
    ),
    "only-through": lambda keys: OnlyThrough(
        keys.globs("target", packages=True), keys.globs("through"), keys.globs("from", ("**",))
    ),
}  # fmt: skip
