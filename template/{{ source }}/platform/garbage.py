"""How often Python looks for garbage in a process that serves requests."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# Objects that may be new before the youngest are gone through. Python's own 700 are a dozen
# requests, nearly all of whose objects are freed without the collector.
_YOUNG: Final = 5_000


@contextmanager
def rare_collections() -> Iterator[None]:
    """Leave what is here now out of every collection, and collect what comes less often.

    The collector would otherwise go through the whole application, a fifth of a second each time,
    while requests wait.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
