"""Which folder plays which part: pages, hooks, services and their like, as prototypes name them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from posixpath import basename

_SCRIPT_RANKS: Mapping[int, str] = {
    0: "app pages views screens routes",
    1: "controllers features modules domains widgets",
    2: "layouts middleware middlewares",
    3: "components",
    4: "contexts context providers provider hooks composables",
    5: "store stores state redux",
    6: "services service api data queries repositories actions storage",
    7: "integrations db database models schemas entities supabase firebase",
    8: "lib libs utils helpers core shared common",
    9: "types constants config i18n",
}
_PYTHON_RANKS: Mapping[int, str] = {
    0: "routers routes api endpoints views blueprints handlers resources pages",
    1: "controllers",
    2: "middleware dependencies deps",
    3: "services service usecases",
    4: "crud repositories repository dao",
    5: "models schemas entities",
    6: "db database",
    7: "core config settings utils helpers common lib",
}
_NOTICED = 3
"""A base has a part at least as high as components: `lib` beside `types` is no structure."""
_DATA = (
    "contexts context providers provider hooks composables store stores state redux services "
    "service api data queries repositories repository actions storage integrations db database "
    "models entities supabase firebase lib libs utils helpers core crud dao"
)
_INTERFACE = "app pages views screens components widgets layouts"
_NEXT = re.compile(r"/(page|layout|route)\.[jt]sx?$")
_SERVER = re.compile(r"(^|/)(server|backend|functions)/")


@dataclass(frozen=True)
class Part:
    """A folder or a file of a base, and how high it stands: 0 is the top."""

    name: str
    glob: str
    rank: int

    @property
    def holds_queries(self) -> bool:
        """Whether it is where one would look for what talks to a database."""
        return self.name in _DATA.split()


@dataclass(frozen=True)
class Base:
    """A folder (empty, or ending in `/`) whose own folders play parts."""

    folder: str
    parts: tuple[Part, ...]
    paths: frozenset[str]
    is_python: bool

    @property
    def is_structured(self) -> bool:
        return len(self.parts) > 1 and self.parts[0].rank <= _NOTICED

    @property
    def is_interface(self) -> bool:
        return (
            not self.is_python
            and not _SERVER.search(self.folder)
            and any(part.name in _INTERFACE.split() for part in self.parts)
            and any(path.endswith((".tsx", ".jsx", ".vue", ".svelte")) for path in self.paths)
        )

    @property
    def globs(self) -> tuple[str, ...]:
        """All of the base; at the root of a repository its parts alone."""
        if self.folder:
            return (f"{self.folder}**",)
        return tuple(part.glob for part in self.parts)

    def named(self, *names: str) -> list[Part]:
        return [part for part in self.parts if part.name in names]


def bases(paths: Iterable[str]) -> list[Base]:
    """The folders with parts in them, in the order of their names."""
    every = sorted(paths)
    next_apps = {match for path in every if (match := _next_app(path))}
    found: dict[tuple[str, bool], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in every:
        is_python = path.endswith(".py")
        if place := _placed(path, _ranks(is_python=is_python), next_apps):
            folder, part = place
            found[folder, is_python][part].add(path)
    every_base = (_base(*key, parts) for key, parts in sorted(found.items()))
    return [base for base in every_base if base.is_structured]


def _ranks(*, is_python: bool) -> dict[str, int]:
    table = _PYTHON_RANKS if is_python else _SCRIPT_RANKS
    return {name: rank for rank, names in table.items() for name in names.split()}


def _next_app(path: str) -> str:
    """The `app` folder of Next.js that the path is in: others of that name are anything."""
    head, found, rest = f"/{path}".partition("/app/")
    return f"{head}/app".lstrip("/") if found and _NEXT.search(f"/{rest}") else ""


def _placed(path: str, ranks: Mapping[str, int], next_apps: set[str]) -> tuple[str, str] | None:
    """The base and the part: the first folder with such a name, or else the file itself."""
    folders = path.split("/")[:-1]
    for index, name in enumerate(folders):
        below = "/".join(folders[: index + 1])
        if name in ranks and (name != "app" or below in next_apps) and not _is_app(folders, index):
            return below.removesuffix(name), below
    if (stem := basename(path).rpartition(".")[0]) in ranks and stem != "app":
        return path.removesuffix(basename(path)), path
    return None


def _is_app(folders: list[str], index: int) -> bool:
    """`apps/api` and `api/src` are applications, whatever they are called."""
    return folders[index - 1 : index] in (["apps"], ["packages"]) or "src" in folders[index + 1 :]


def _base(folder: str, is_python: bool, parts: Mapping[str, set[str]]) -> Base:
    ranks = _ranks(is_python=is_python)
    named = []
    for place in sorted(parts):
        is_file = parts[place] == {place}
        name = basename(place).rpartition(".")[0] if is_file else basename(place)
        named.append(Part(name, place if is_file else f"{place}/**", ranks[name]))
    paths = frozenset(path for some in parts.values() for path in some)
    return Base(folder, tuple(sorted(named, key=lambda it: (it.rank, it.glob))), paths, is_python)
