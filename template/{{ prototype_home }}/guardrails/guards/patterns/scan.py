"""One run of ast-grep over all files with all patterns of the rules: what it matched."""

import json
import os
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...engine.encoding import text_of
from ...engine.finding import Severity
from ...engine.rules import Rule
from ...engine.tree import read_within
from ...gate import NotChecked, program

LANGUAGES = ("typescript", "tsx")
# Plain JavaScript may hold JSX whatever its ending; the TSX grammar reads both.
_CONFIG = 'ruleDirs: [rules]\nlanguageGlobs: {tsx: ["*.js", "*.jsx", "*.mjs", "*.cjs"]}\n'
_FOR_ASTGREP = ("rule", "constraints", "utils")
# Linux takes no more than 2 MB of arguments; the environment shares them.
_MOST_ARGUMENTS = 1_000_000
_SECONDS = 280


@dataclass(frozen=True)
class Pattern:
    """An entry of a rule's `patterns`: what ast-grep looks for and who judges what it finds."""

    id: str
    rule: Rule
    entry: Mapping[str, Any]

    @property
    def judges(self) -> list[str]:
        named = self.entry.get("judge", [])
        return [named] if isinstance(named, str) else list(named)

    @property
    def severity(self) -> Severity | None:
        """The entry's own, where a form of the fault is worse or milder than the rule."""
        label = self.entry.get("severity")
        return Severity.of(label) if label else None


@dataclass(frozen=True)
class Match:
    """A node that fits a pattern. Lines count from 1, columns from 0; `names` are its $META."""

    pattern: str
    path: str
    text: str
    line: int
    column: int
    end_line: int
    end_column: int
    names: Mapping[str, str] = field(default_factory=dict)


def patterns_of(rules: Mapping[str, Rule]) -> dict[str, Pattern]:
    """Every pattern that this guard runs, by an id that ast-grep repeats with each match."""
    return {
        f"{rule.id}/{index}": Pattern(f"{rule.id}/{index}", rule, entry)
        for rule in rules.values()
        if "patterns" in rule.guards
        for index, entry in enumerate(rule.patterns)
    }


def scan(root: Path, files: Sequence[str], patterns: Mapping[str, Pattern]) -> list[Match]:
    """Run ast-grep over the files; the matches are in the order of their places.

    ast-grep prints them as its threads come to the files, and where the first of several stands
    is a part of a finding's fingerprint.

    Raises:
        NotChecked: it is not installed, refuses a pattern, or doesn't end.
    """
    if not files:
        return []
    binary = program("ast-grep")
    with tempfile.TemporaryDirectory(prefix="guardrails-") as folder:
        write_rules(Path(folder), patterns, {_language(path) for path in files})
        command = [binary, "scan", "--config", f"{folder}/sgconfig.yml", "--json=stream"]
        command += [f"--no-ignore={kind}" for kind in ("hidden", "vcs", "parent", "dot", "global")]
        copies = Path(folder, "copies")
        broken = _made_readable(root, files, copies)
        readable = [path for path in files if path not in broken]
        found = [
            match
            for where, those in ((root, readable), (copies, sorted(broken)))
            if those
            for some in _portions(those)
            for match in _matches(_run([*command, "--", *some], where))
        ]
    return sorted(found, key=lambda match: (match.path, match.line, match.column))


def _made_readable(root: Path, files: Sequence[str], copies: Path) -> set[str]:
    """Copy files that are no UTF-8, mended: ast-grep leaves them out and says nothing."""
    broken: set[str] = set()
    for path in files:
        data = read_within(root, path) or b""
        try:
            data.decode()
        except UnicodeDecodeError:
            copy = copies / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(text_of(data), encoding="utf-8", newline="")
            broken.add(path)
    return broken


def write_rules(
    folder: Path, patterns: Mapping[str, Pattern], languages: Collection[str] = LANGUAGES
) -> None:
    """Only for these languages: reading the patterns costs ast-grep more than a dozen files."""
    (folder / "sgconfig.yml").write_text(_CONFIG, encoding="utf-8")
    (folder / "rules").mkdir()
    documents = [
        json.dumps(_rule(pattern, language))
        for pattern in patterns.values()
        for language in pattern.entry.get("languages", LANGUAGES)
        if language in languages
    ]
    # JSON is YAML, and needs no writer of its own.
    (folder / "rules" / "all.yml").write_text("\n---\n".join(documents), encoding="utf-8")


def _language(path: str) -> str:
    return "typescript" if path.endswith((".ts", ".mts", ".cts")) else "tsx"


def _rule(pattern: Pattern, language: str) -> dict[str, Any]:
    taken = {key: pattern.entry[key] for key in _FOR_ASTGREP if key in pattern.entry}
    return {
        "id": f"{pattern.id}/{language}",
        "language": language,
        "severity": "info",
        "message": pattern.rule.id,
        **taken,
    }


def _portions(files: Sequence[str]) -> Iterator[list[str]]:
    portion: list[str] = []
    size = 0
    for path in files:
        length = len(os.fsencode(path)) + 16
        if portion and size + length > _MOST_ARGUMENTS:
            yield portion
            portion, size = [], 0
        portion.append(path)
        size += length
    yield portion


def _run(command: list[str], root: Path) -> bytes:
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise NotChecked(f"ast-grep was not done after {_SECONDS} seconds") from None
    except OSError as error:
        raise NotChecked(f"ast-grep can't be run: {error}") from None
    # 1 says that something of severity error was found, which no pattern is.
    if done.returncode not in {0, 1}:
        reason = done.stderr.decode(errors="replace").strip()
        raise NotChecked(f"ast-grep stopped with {done.returncode}: {reason[-600:]}")
    return done.stdout


def _matches(output: bytes) -> Iterator[Match]:
    for line in output.splitlines():
        if line:
            yield _match(json.loads(line))


def _match(record: Mapping[str, Any]) -> Match:
    start, end = record["range"]["start"], record["range"]["end"]
    single = record.get("metaVariables", {}).get("single", {})
    return Match(
        pattern=record["ruleId"].rpartition("/")[0],
        path=record["file"],
        text=record["text"],
        line=start["line"] + 1,
        column=start["column"],
        end_line=end["line"] + 1,
        end_column=end["column"],
        names={name: value["text"] for name, value in single.items()},
    )
