"""The statements that make a schema: from models, from files of SQL, from SQL in code."""

import ast
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from roadworthy.verifying.commands import VENV, AppChecks
from roadworthy.verifying.python import checks
from roadworthy.verifying.workplace import Terms, Workplace, workplace

from .collector import OPTIONAL
from .model import NotDone, Prototype, Schema, Way

COLLECTOR = Path(__file__).with_name("collector.py")
SECONDS = 60
_DDL = re.compile(r"^\s*(?:create|alter)\b", re.IGNORECASE)
_TABLE = re.compile(r"\bcreate\s+table\b", re.IGNORECASE)
_QUOTED = re.compile(r"`([^`]*)`|'((?:[^'\\\n]|\\.)*)'|\"((?:[^\"\\\n]|\\.)*)\"")
# A prototype may refuse to start without its settings; none of these leads anywhere.
_SETTINGS = {
    "SECRET_KEY": "unset",
    "SESSION_SECRET": "unset",
    "JWT_SECRET": "unset",
    "JWT_SECRET_KEY": "unset",
}


def of_scripts(root: Path, way: Way) -> Schema:
    texts = [(root / path).read_text(encoding="utf-8", errors="replace") for path in way.scripts]
    return Schema(tuple(texts), ", ".join(way.scripts))


def of_literals(root: Path, way: Way) -> Schema:
    """DDL that the code sends when it starts, where it stands there whole."""
    statements: list[str] = []
    for path in way.literals:
        text = (root / path).read_text(encoding="utf-8", errors="replace")
        found = _in_python(path, text) if path.endswith(".py") else _in_javascript(path, text)
        statements += found
    return Schema(tuple(statements), ", ".join(way.literals))


def _in_python(path: str, text: str) -> Iterator[str]:
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise NotDone(f"{path}:{error.lineno} is not Python") from error
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
              for part in node.values}  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and _TABLE.search(ast.unparse(node)):
            raise NotDone(f"{path}:{node.lineno} puts its SQL together when it runs")
        text_of = node.value if isinstance(node, ast.Constant) and id(node) not in inside else ""
        if isinstance(text_of, str) and _DDL.match(text_of):
            yield text_of


def _in_javascript(path: str, text: str) -> Iterator[str]:
    for found in _QUOTED.finditer(text):
        written = next(part for part in found.groups() if part is not None)
        if not _DDL.match(written):
            continue
        if "${" in written:
            line = text.count("\n", 0, found.start()) + 1
            raise NotDone(f"{path}:{line} puts its SQL together when it runs")
        yield written


def of_models(prototype: Prototype, way: Way) -> Schema:
    """Import the models where they can reach nothing, and ask them for their DDL."""
    with workplace() as place:
        tree = place.copy(prototype.root, "tree")
        if prototype.python:
            command: tuple[str, ...] = (prototype.python,)
        else:
            command = _installed(place, tree, prototype)
        answer = _asked(place, tree, command, prototype, way)
    if "missing" in answer:
        raise NotDone(
            f"the models need the package {answer['missing']}, which its manifest does not name"
        )
    if "error" in answer:
        raise NotDone(f"its models can't be imported: {answer['error']}")
    if not answer["statements"]:
        raise NotDone("its models make no table")
    notes = tuple(
        f"`{name}` could not be imported ({why}); tables that only it defines are not here."
        for name, why in answer["failed"].items()
    )
    source = f"the models of {', '.join(way.models)}"
    return Schema(tuple(answer["statements"]), source, notes)


def _installed(place: Workplace, tree: Path, prototype: Prototype) -> tuple[str, ...]:
    """Its packages, in an environment of the workplace's."""
    known: AppChecks = checks(tree, prototype.app, prototype.manager, prototype.entry)
    venv = str(place.scratch / "venv")
    for step in known.commands:
        if step.installs or step.name == "environment":
            argv = [part.replace(VENV, venv) for part in step.argv]
            terms = Terms(step.seconds, network=step.installs)
            ran = place.run(argv, tree / prototype.app, terms)
            if ran.status != 0:
                last = ran.said.strip().splitlines()[-1:] or ["it said nothing"]
                raise NotDone(f"its packages could not be installed ({step.told}): {last[0]}")
    run = {"uv": ("uv", "run", "--no-sync", "python"), "poetry": ("poetry", "run", "python")}
    return run.get(known.manager, (f"{venv}/bin/python",))


def _asked(
    place: Workplace, tree: Path, command: Sequence[str], prototype: Prototype, way: Way
) -> dict[str, Any]:
    script, file = place.scratch / "collector.py", place.scratch / "answer.json"
    script.write_text(COLLECTOR.read_text(encoding="utf-8"), encoding="utf-8")
    database = f"sqlite:///{place.scratch / 'tmp' / 'nothing.db'}"
    reads = (Path(prototype.python).parents[1],) if prototype.python else ()
    terms = Terms(SECONDS, variables={"DATABASE_URL": database, **_SETTINGS}, reads=reads)
    folder = tree / prototype.app
    entry = prototype.entry.partition(":")[0]
    first = [f"{OPTIONAL}{entry}"] if entry and entry not in way.models else []
    modules = [*first, *way.models]
    asked = [*command, str(script), str(file), str(folder), prototype.dialect, *modules]
    ran = place.run(asked, folder, terms)
    try:
        answer: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        said = ran.said.strip().rpartition("\n")[2][:300]
        raise NotDone(
            f"importing its models gave no answer{' in time' if ran.late else ''}: {said}"
        ) from None
    return answer
