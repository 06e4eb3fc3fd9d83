"""Migrations that hold up a live table, or fail on its first row, as squawk sees them."""

import json
import re
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ...engine.finding import Evidence, Finding, NotLooked, Place, Severity
from ...engine.guard import Looked
from ...gate import NotChecked, program
from .lexer import split, unquote
from .model import Chain

RULE = "migrations.locks"
SECONDS = 30.0
MOST_ALSO = 25
MOST_NAMES = 6
OLDEST_POSTGRESQL = "15"

# squawk's rules that are about an outage, and what such a statement does. Not among them: a
# foreign key on a new column, which has no rows to check.
_DOES = {
    "adding-required-field": "adds a column without default that must be filled to `{}`: it fails "
    "as soon as there is one row",
    "adding-not-nullable-field": "makes a column of `{}` NOT NULL: every row is read while nobody "
    "else can",
    "adding-field-with-default": "adds a column to `{}` whose value each row gets by itself: the "
    "table is written anew while nobody can read it",
    "adding-serial-primary-key-field": "adds a primary key to `{}`: its index is built while "
    "nobody can read the table",
    "changing-column-type": "changes the type of a column of `{}`: the table may be written anew "
    "while nobody can read it",
    "constraint-missing-not-valid": "adds a constraint to `{}`: every row is checked while nobody "
    "can write",
    "disallowed-unique-constraint": "adds a unique constraint to `{}`: its index is built while "
    "nobody can read the table",
    "require-concurrent-index-creation": "builds an index on `{}`: until it is done nobody can "
    "write",
}
_FAILS = "adding-required-field"
_WORTH = re.compile(r"\balter\s+table\b|\bcreate\s+(?:unique\s+)?index\b", re.IGNORECASE)
_NAME = r'(?:"(?:[^"]|"")+"|[\w$]+)'
_TABLE = re.compile(
    rf"\b(?:alter\s+table\s+(?:if\s+exists\s+)?|index\b[^;()]*?\son\s+)(?:only\s+)?"
    rf"(?:{_NAME}\s*\.\s*)?({_NAME})",
    re.IGNORECASE,
)


def look(chain: Chain, text_of: Callable[[str], str]) -> Looked:
    """One finding for each way in which migrations lock a table that an earlier one made."""
    texts = _worth(chain, text_of)
    try:
        told = _told(texts) if texts else []
    except (NotChecked, OSError, ValueError, subprocess.SubprocessError) as error:
        why = f"squawk did not answer: {str(error)[:200]}"
        return Looked((), [NotLooked(chain.folder, why, (RULE,))])
    return Looked(list(_findings(texts, told)))


def places(chain: Chain, text_of: Callable[[str], str]) -> Iterator[tuple[str, Place, str]]:
    """Every such statement by itself: squawk's rule, where, and what it does.

    Raises:
        NotChecked: squawk is not installed.
    """
    texts = _worth(chain, text_of)
    for path, line, rule in _told(texts) if texts else []:
        table = _tables(texts[path]).get(line, "")
        yield rule, Place(path, line, line, symbol=table), _DOES[rule].format(table)


def _worth(chain: Chain, text_of: Callable[[str], str]) -> dict[str, str]:
    texts = {file.path: text_of(file.path) for file in chain.files}
    return {path: text for path, text in texts.items() if _WORTH.search(text)}


def _told(texts: Mapping[str, str]) -> list[tuple[str, int, str]]:
    """What squawk says: path, line from 1, its rule. It knows what the same file made."""
    squawk = program("squawk")
    with tempfile.TemporaryDirectory() as folder:
        # The prototype's own names and settings stay outside.
        config = Path(folder) / "squawk.toml"
        config.touch()
        files = {f"{number}.sql": path for number, path in enumerate(texts)}
        for name, path in files.items():
            (Path(folder) / name).write_text(texts[path], encoding="utf-8", errors="replace")
        command = [squawk, "--reporter=json", f"--pg-version={OLDEST_POSTGRESQL}"]
        command += ["--assume-in-transaction", f"--config={config}", *files]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, timeout=SECONDS, check=False
        )
        answer = json.loads(done.stdout)
    return [
        (files[entry["file"]], int(entry["line"]) + 1, str(entry["rule_name"]))
        for entry in answer
        if entry["rule_name"] in _DOES
    ]


def _findings(texts: Mapping[str, str], told: list[tuple[str, int, str]]) -> Iterator[Finding]:
    by_rule: dict[str, list[Place]] = defaultdict(list)
    tables = {path: _tables(texts[path]) for path, _, _ in told}
    unique = {(path, line) for path, line, rule in told if rule == "disallowed-unique-constraint"}
    for path, line, rule in told:
        # squawk tells a unique constraint twice.
        if rule != "constraint-missing-not-valid" or (path, line) not in unique:
            snippet = texts[path].split("\n")[line - 1].strip()[:200]
            table = tables[path].get(line, "")
            by_rule[rule].append(Place(path, line, line, snippet, table))
    for rule, places in by_rule.items():
        first, *rest = places
        yield Finding(
            RULE,
            first,
            f"This {_DOES[rule].format(first.symbol)}.{_more(first.symbol, rest)}",
            Severity.MEDIUM if rule == _FAILS else Severity.LOW,
            Evidence.READ,
            also=tuple(rest[:MOST_ALSO]),
            detail={"squawk": rule, "statements": len(places)},
        )


def _tables(text: str) -> dict[int, str]:
    """By line: the table that the statement there is about."""
    return {
        line: unquote(found[1])
        for piece in split(text)
        if (found := _TABLE.search(piece.text))
        for line in range(piece.line, piece.end_line + 1)
    }


def _more(table: str, rest: list[Place]) -> str:
    if not rest:
        return ""
    others = list(dict.fromkeys(place.symbol for place in rest if place.symbol != table))
    shown = ", ".join(f"`{name}`" for name in others[:MOST_NAMES])
    among = f", on {shown}{' and others' if len(others) > MOST_NAMES else ''}" if shown else ""
    return f" {len(rest)} more such statement{'s' if len(rest) > 1 else ''}{among}."
