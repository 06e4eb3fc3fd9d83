"""A middleware of Next.js' that lies where Next.js never looks: nothing runs what it asks."""

import posixpath
import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.nextgate import FILES
from ..facts.program import Program
from ..facts.rows import next_app
from ..facts.signs import ASKS_CALLER
from ..facts.source import Module
from .say import HIGH, MEDIUM, finding, place

_NAMES = ("middleware.ts", "middleware.js", "middleware.tsx", "middlewares.ts", "proxy.ts")
_STANDS_BEFORE = re.compile(
    r"^export\s+(?:default\s+)?(?:async\s+)?(?:function|const)\s+(?:middleware|proxy)\b",
    re.MULTILINE,
)
_MATCHES = re.compile(r"^export\s+const\s+config\b[^;]{0,200}\bmatcher\b", re.MULTILINE)
_REFUSES = re.compile(r"\bredirect\(|\brewrite\(|\b40[13]\b")


def misplaced(program: Program) -> Iterator[Finding]:
    for path in program.tree.files:
        name = posixpath.basename(path)
        if name not in _NAMES:
            continue
        app = next_app(program, path)
        if app is None or path in {posixpath.join(app, one) for one in FILES}:
            continue
        module = program.module(path)
        if module is not None and _is_a_gate(module) and not _handed_on(program, app, path):
            yield _told(program, app, module)


def _is_a_gate(module: Module) -> bool:
    """Whether it is written as the file that Next.js runs: `config` is read of no other."""
    meant = _STANDS_BEFORE.search(module.code) and _MATCHES.search(module.code)
    return bool(meant and ASKS_CALLER.search(module.code) and _REFUSES.search(module.code))


def _handed_on(program: Program, app: str, path: str) -> bool:
    """Whether the file that runs takes it from there."""
    for name in FILES:
        gate = program.module(posixpath.join(app, name))
        sources = {one.source for one in gate.imports.values()} if gate is not None else set()
        if gate is not None and any(program.resolve(gate.path, one) == path for one in sources):
            return True
        if gate is not None and re.search(r"export\s*(?:\*|\{)[^;]*\bfrom\b", gate.code):
            return True
    return False


def _told(program: Program, app: str, module: Module) -> Finding:
    runs = next((one for one in FILES if posixpath.join(app, one) in program.tree.present), "")
    shown = _STANDS_BEFORE.search(module.code)
    beside = f"what runs is {posixpath.join(app, runs)}" if runs else "nothing runs in its place"
    return finding(
        "authz.disabled",
        place(module, shown.start() if shown else 0, "middleware"),
        f"Next.js never runs this middleware: it looks for one beside the folder `app` alone, and "
        f"{beside}",
        MEDIUM if runs else HIGH,
    )
