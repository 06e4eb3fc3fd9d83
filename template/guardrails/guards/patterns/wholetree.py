"""Facts about an app as a whole: a guard in the browser with nothing behind it, no boundary."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from ...engine.finding import Finding
from ...engine.tree import Tree

Fact = Callable[[Tree, Sequence[str]], Iterable[Finding]]


def nothing(tree: Tree, files: Sequence[str]) -> Iterator[Finding]:
    yield from ()


FACTS: tuple[Fact, ...] = (nothing,)
