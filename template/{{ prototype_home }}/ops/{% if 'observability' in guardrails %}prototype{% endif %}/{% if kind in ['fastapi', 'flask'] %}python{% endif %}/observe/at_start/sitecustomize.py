"""Found by every Python process of the command; whatever fails here, the prototype runs."""

import contextlib
import importlib.machinery
import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def _run_the_one_behind() -> None:
    """There may be another one of this name, which is not to be missed."""
    behind = [path for path in sys.path if Path(path or ".").resolve() != HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", behind)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


with contextlib.suppress(Exception):
    _run_the_one_behind()
try:
    from observe.starting import start

    start()
except Exception as error:
    sys.stderr.write(f"the prototype is not observed: {type(error).__name__}: {error}\n")
