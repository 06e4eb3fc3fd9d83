"""One run of ast-grep over all files with all patterns of the rules: what it matched."""

import json
import os
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from ...engine.encoding import text_of
from ...engine.finding import Severity
from ...engine.rules import Rule
from ...engine.tree import Tree, read_within
from ...gate import NotChecked, program
from .words import Words

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


@contextmanager
def scanning(
    tree: Tree, files: Sequence[str], patterns: Mapping[str, Pattern]
) -> Iterator[Callable[[], list[Match]]]:
    """Start ast-grep on the files; what is given waits for it, and gives what it matched.

    The matches are in the order of their places: ast-grep prints them as its threads come to the
    files, and where the first of several stands is a part of a finding's fingerprint.

    Raises, here or as it is waited for:
        NotChecked: it is not installed, refuses a pattern, or doesn't end.
    """
    if not files:
        yield list
        return
    binary = program("ast-grep")
    with tempfile.TemporaryDirectory(prefix="guardrails-") as folder:
        write_rules(Path(folder), patterns, _words(tree, files))
        command = [binary, "scan", "--config", f"{folder}/sgconfig.yml", "--json=stream"]
        command += [f"--no-ignore={kind}" for kind in ("hidden", "vcs", "parent", "dot", "global")]
        copies = Path(folder, "copies")
        broken = _made_readable(tree, files, copies)
        readable = [path for path in files if path not in broken]
        asked = [
            ([*command, "--", *some], where)
            for where, those in ((tree.root, readable), (copies, sorted(broken)))
            if those
            for some in _portions(those)
        ]
        with Scans(asked, Path(folder)) as scans:
            yield lambda: sorted(_matches(scans), key=lambda it: (it.path, it.line, it.column))


def _made_readable(tree: Tree, files: Sequence[str], copies: Path) -> set[str]:
    """Copy files that are no UTF-8, mended: ast-grep leaves them out and says nothing."""
    broken: set[str] = set()
    for path in files:
        if _is_ascii(tree, path):
            continue
        data = read_within(tree.root, path) or b""
        try:
            data.decode()
        except UnicodeDecodeError:
            copy = copies / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(text_of(data), encoding="utf-8", newline="")
            broken.add(path)
    return broken


def _is_ascii(tree: Tree, path: str) -> bool:
    """Most files are, and were read already; one of UTF-16 is longer than what it says."""
    text = tree.text(path)
    return text is not None and text.isascii() and len(text) == tree.sizes[path]


def write_rules(
    folder: Path, patterns: Mapping[str, Pattern], words: Mapping[str, Words] | None = None
) -> None:
    """All of them, or what can match the words of each language: the rest costs ast-grep more than
    half of its time."""
    (folder / "sgconfig.yml").write_text(_CONFIG, encoding="utf-8")
    (folder / "rules").mkdir()
    documents = [
        json.dumps(_rule(pattern, language))
        for pattern in patterns.values()
        for language in pattern.entry.get("languages", LANGUAGES)
        if words is None or (language in words and words[language].can_match(pattern.entry))
    ]
    # JSON is YAML, and needs no writer of its own.
    (folder / "rules" / "all.yml").write_text("\n---\n".join(documents), encoding="utf-8")


def _words(tree: Tree, files: Iterable[str]) -> dict[str, Words]:
    """Of the files in each language."""
    contents: dict[str, list[bytes]] = defaultdict(list)
    for path in files:
        text = tree.text(path)
        content = read_within(tree.root, path) if text is None else text.encode(errors="replace")
        contents[_language(path)].append(content or b"")
    return {language: Words(those) for language, those in contents.items()}


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


class Scans:
    """Runs of ast-grep, one after the other: each works on as many files at once as it can.

    What they print goes into a file, so that none waits for a reader.
    """

    def __init__(self, commands: Sequence[tuple[Sequence[str], Path]], folder: Path) -> None:
        self._waiting = list(commands)
        self._printed = folder / "printed"
        self._running: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._running is not None:
            self._running.kill()
            self._running.wait()

    def __iter__(self) -> Iterator[bytes]:
        """What each of them printed."""
        while self._running is not None:
            self._wait(self._running)
            printed = self._printed.read_bytes()
            self._start()
            yield printed

    def _start(self) -> None:
        self._running = None
        if not self._waiting:
            return
        command, root = self._waiting.pop(0)
        try:
            with self._printed.open("wb") as printed:
                self._running = subprocess.Popen(
                    command,
                    cwd=root,
                    stdin=subprocess.DEVNULL,
                    stdout=printed,
                    stderr=subprocess.PIPE,
                )
        except OSError as error:
            raise NotChecked(f"ast-grep can't be run: {error}") from None

    def _wait(self, running: "subprocess.Popen[bytes]") -> None:
        try:
            _, said = running.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            raise NotChecked(f"ast-grep was not done after {_SECONDS} seconds") from None
        # 1 says that something of severity error was found, which no pattern is.
        if running.returncode not in {0, 1}:
            reason = said.decode(errors="replace").strip()
            raise NotChecked(f"ast-grep stopped with {running.returncode}: {reason[-600:]}")


def _matches(scans: Iterable[bytes]) -> Iterator[Match]:
    for printed in scans:
        for line in printed.splitlines():
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
