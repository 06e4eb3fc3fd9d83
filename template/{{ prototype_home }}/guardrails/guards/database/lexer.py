"""Split SQL into statements as PostgreSQL's own scanner would see them, each with its lines."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<line>--[^\n]*)
  | (?P<block>/\*)
  | (?P<escape>\b[eE]'(?:[^'\\]|\\.|'')*'?)
  | (?P<string>'(?:[^']|'')*'?)
  | (?P<name>"(?:[^"]|"")*"?)
  | (?P<dollar>(?<![\w$])\$(?:[^\W\d]\w*)?\$)
  | (?P<atomic>\bbegin\s+atomic\b)
  | (?P<word>\b(?:case|end)\b)
  | (?P<open>[(\[])
  | (?P<close>[)\]])
  | (?P<stop>;)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_BLOCK = re.compile(r"/\*|\*/")
_COPY = re.compile(r"copy\b.*\bfrom\s+stdin\b", re.IGNORECASE | re.DOTALL)
_COPY_END = re.compile(r"^\\\.\r?$", re.MULTILINE)
_SPACE = re.compile(r"\s+")
_META = re.compile(r"\\[^\n]*")


@dataclass(frozen=True)
class Piece:
    """One statement without the semicolon; `data` are the rows below a COPY … FROM stdin."""

    text: str
    line: int
    end_line: int
    data: str | None = None


def split(sql: str) -> list[Piece]:
    return list(_Splitter(sql).pieces())


class _Splitter:
    def __init__(self, sql: str) -> None:
        self.sql = sql.removeprefix("\ufeff")
        self.newlines = [match.start() for match in re.finditer("\n", self.sql)]

    def line(self, at: int) -> int:
        return bisect_right(self.newlines, at - 1) + 1

    def pieces(self) -> Iterator[Piece]:
        at = 0
        while (at := self._first(at)) < len(self.sql):
            if meta := _META.match(self.sql, at):
                yield self._piece(at, meta.end())
                at = meta.end()
                continue
            stop = self._stop(at)
            piece = self._piece(at, stop)
            at = stop + 1
            if _COPY.match(piece.text):
                end = _COPY_END.search(self.sql, at)
                begin = self.sql.find("\n", at) + 1 or len(self.sql)
                close = end.start() if end else len(self.sql)
                yield Piece(piece.text, piece.line, piece.end_line, self.sql[begin:close])
                at = end.end() if end else len(self.sql)
            elif piece.text:
                yield piece

    def _piece(self, at: int, stop: int) -> Piece:
        text = self.sql[at:stop].rstrip()
        return Piece(text, self.line(at), self.line(at + max(len(text) - 1, 0)))

    def _first(self, at: int) -> int:
        """Where the next token begins: past space, comments and stray semicolons."""
        while at < len(self.sql):
            if space := _SPACE.match(self.sql, at):
                at = space.end()
            elif self.sql[at] == ";":
                at += 1
            elif self.sql.startswith("--", at):
                at = self._line_end(at)
            elif self.sql.startswith("/*", at):
                at = self._block_end(at)
            else:
                break
        return at

    def _line_end(self, at: int) -> int:
        end = self.sql.find("\n", at)
        return len(self.sql) if end < 0 else end

    def _block_end(self, at: int) -> int:
        depth = 0
        for match in _BLOCK.finditer(self.sql, at):
            depth += 1 if match.group() == "/*" else -1
            if depth == 0:
                return match.end()
        return len(self.sql)

    def _stop(self, at: int) -> int:
        """The semicolon that ends the statement beginning at `at`, or the end of the file."""
        depth = 0
        bodies: list[str] = []
        while token := _TOKEN.search(self.sql, at):
            kind, at = str(token.lastgroup), token.end()
            if kind == "block":
                at = self._block_end(token.start())
            elif kind == "dollar":
                end = self.sql.find(token.group(), at)
                at = len(self.sql) if end < 0 else end + len(token.group())
            elif kind in ("open", "close"):
                depth = max(depth + (1 if kind == "open" else -1), 0)
            elif kind in ("atomic", "word"):
                _nest(bodies, token.group().lower())
            elif kind == "stop" and depth == 0 and not bodies:
                return token.start()
        return len(self.sql)


def _nest(bodies: list[str], word: str) -> None:
    """Semicolons inside `begin atomic … end` end nothing; a CASE has an END of its own."""
    if word == "end":
        if bodies:
            bodies.pop()
    elif word != "case" or bodies:
        bodies.append(word)


@dataclass(frozen=True)
class Subject:
    """What a statement is about: `create table`, schema (may be empty) and bare name."""

    verb: str
    kind: str
    schema: str
    name: str
    guarded: bool = False
    """Whether IF [NOT] EXISTS or OR REPLACE makes it harmless to run twice."""


_NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_SUBJECT = re.compile(
    rf"""
    (?P<verb>create|alter|drop)\s+(?P<replace>or\s+replace\s+)?
    (?:global\s+|local\s+)?(?:temp(?:orary)?\s+|unlogged\s+|unique\s+|recursive\s+|constraint\s+)?
    (?P<kind>materialized\s+view|foreign\s+table|event\s+trigger|table|view|function|procedure|type
      |domain|index|policy|trigger|schema|extension|sequence|role|publication)\s+
    (?:concurrently\s+)?(?P<guard>if\s+(?:not\s+)?exists\s+)?(?:only\s+)?
    (?:(?P<schema>{_NAME})\s*\.\s*)?(?P<name>{_NAME})
    (?:\s+on\s+(?:only\s+)?(?:(?P<on_schema>{_NAME})\s*\.\s*)?(?P<on>{_NAME}))?
    """,
    re.VERBOSE | re.IGNORECASE,
)
_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


def subject(text: str) -> Subject | None:
    """The object that a DDL statement names first; for a policy or trigger still that itself."""
    match = _SUBJECT.match(_COMMENTS.sub(" ", text[:2000]).lstrip())
    if match is None:
        return None
    return Subject(
        match["verb"].lower(),
        " ".join(match["kind"].lower().split()),
        unquote(match["schema"] or ""),
        unquote(match["name"]),
        bool(match["guard"] or match["replace"]),
    )


def unquote(name: str) -> str:
    """The name as the catalogue has it."""
    if name.startswith('"'):
        return name[1:-1].replace('""', '"')
    return name.lower()
