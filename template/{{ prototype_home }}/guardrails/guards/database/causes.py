"""Why a statement did not apply, in words for somebody who does not know PostgreSQL's codes."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .lexer import Piece, subject, unquote


class Cause(StrEnum):
    SYNTAX = "syntax"
    TWICE = "twice"
    LATER = "later"
    NOWHERE = "nowhere"
    GONE = "gone"
    EXTENSION = "extension"
    DATA = "data"
    TRANSACTION = "transaction"
    PRIVILEGE = "privilege"
    STOPPED = "stopped"
    OTHER = "other"


@dataclass(frozen=True)
class Missing:
    """What PostgreSQL did not find. For a column, `table` is where it looked, if it said so."""

    kind: str
    name: str
    table: str = ""
    schema: str = ""


_MISSING = (
    ("column", re.compile(r'column "([^"]+)" (?:of|in) relation "([^"]+)" does not exist')),
    ("column", re.compile(r'column "([^"]+)" (?:named in key |referenced in .* )?does not exist')),
    ("column", re.compile(r"column (?:[\w]+)\.([\w]+) does not exist")),
    ("column", re.compile(r'record "(?:new|old)" has no field "([^"]+)"')),
    ("policy", re.compile(r'policy "([^"]+)" for table "([^"]+)" does not exist')),
    ("trigger", re.compile(r'trigger "([^"]+)" for table "([^"]+)" does not exist')),
    ("constraint", re.compile(r'constraint "([^"]+)" (?:of|for) (?:relation|table) "([^"]+)"')),
    ("table", re.compile(r'(?:relation|table|view|sequence|index) "([^"]+)" does not exist')),
    ("type", re.compile(r'type "?([^"\s]+?)"?(?:\[\])? does not exist')),
    ("function", re.compile(r"(?:function|procedure) ([^\s(]+)\(.*\) does not exist")),
    ("function", re.compile(r'could not find a (?:function|procedure) named "([^"]+)"')),
    ("schema", re.compile(r'schema "([^"]+)" does not exist')),
    ("role", re.compile(r'role "([^"]+)" does not exist')),
    ("publication", re.compile(r'publication "([^"]+)" does not exist')),
    ("opclass", re.compile(r'operator class "([^"]+)" does not exist')),
    ("extension", re.compile(r'extension "([^"]+)" is not available')),
)
_TWICE = {"42P07", "42710", "42723", "42P06", "42701", "42P03"}
_DATA = {"23505", "23503", "23502", "23514", "22P02", "21000", "22007", "22008"}
_UNKNOWN = (Cause.OTHER, "")
_BY_STATE = {
    "42601": (Cause.SYNTAX, "this is not PostgreSQL: "),
    "23505": (Cause.DATA, "it writes rows that an empty database does not take: "),
    "25001": (Cause.TRANSACTION, "a migration runs in one transaction: "),
    "55P04": (Cause.TRANSACTION, "a migration runs in one transaction: "),
    "42501": (Cause.PRIVILEGE, "the project's role may not do this: "),
}
_CREATES = re.compile(
    r"\bcreate\s+(?:or\s+replace\s+)?(?:temp(?:orary)?\s+|unlogged\s+|materialized\s+)?"
    r"(table|view|type|domain|function|procedure|schema|sequence|extension)\s+"
    r'(?:if\s+not\s+exists\s+)?(?:("(?:[^"]|"")+"|[\w$]+)\s*\.\s*)?("(?:[^"]|"")+"|[\w$-]+)',
    re.IGNORECASE,
)
_ADDS = re.compile(
    r'\badd\s+(?:column\s+)?(?:if\s+not\s+exists\s+)?("(?:[^"]|"")+"|[\w$]+)\s+["\w]', re.IGNORECASE
)
_ALTERS = re.compile(
    r"\balter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?(?:\"?public\"?\s*\.\s*)?"
    r'("(?:[^"]|"")+"|[\w$]+)\s+(?:add|rename)\b',
    re.IGNORECASE,
)
_RENAMES = re.compile(
    r'\brename\s+(?:column\s+)?(?:"[^"]+"|\w+\s+)?to\s+("(?:[^"]|"")+"|[\w$]+)', re.IGNORECASE
)
EXTENSION_OF = {
    "cron": "pg_cron",
    "net": "pg_net",
    "pgmq": "pgmq",
    "vector": "vector",
    "halfvec": "vector",
    "geography": "postgis",
    "geometry": "postgis",
    "citext": "citext",
    "ltree": "ltree",
    "hstore": "hstore",
    "gin_trgm_ops": "pg_trgm",
    "gist_trgm_ops": "pg_trgm",
    "vector_cosine_ops": "vector",
    "vector_l2_ops": "vector",
    "similarity": "pg_trgm",
    "word_similarity": "pg_trgm",
    "unaccent": "unaccent",
    "moddatetime": "moddatetime",
    "http_post": "http",
    "http_get": "http",
    "earth_distance": "earthdistance",
    "levenshtein": "fuzzystrmatch",
    "sign": "pgjwt",
}
_GROUP = {"view": "table", "sequence": "table", "domain": "type", "procedure": "function"}


def missing(message: str) -> Missing | None:
    for kind, pattern in _MISSING:
        if found := pattern.search(message):
            schema, _, name = found[1].rpartition(".")
            table = found[2] if pattern.groups > 1 else ""
            return Missing(kind, name.strip('"'), table.rpartition(".")[2], schema.strip('"'))
    return None


class Makers:
    """Which statements of the chain would make what, by number."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._made: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._added: dict[str, dict[str, int]] = defaultdict(dict)
        for number, piece in enumerate(pieces, 1):
            made = _made_by(piece.text)
            for kind, name in made:
                self._made[kind, name].append(number)
            for table in _ALTERS.findall(piece.text):
                for kind, name in made:
                    if kind == "column":
                        self._added[unquote(table).lower()][name] = number

    def added_later(self, table: str, number: int) -> set[str]:
        """Columns that the chain itself adds to a table after the statement."""
        added = self._added.get(table, {})
        return {column for column, at in added.items() if at >= number}

    def of(self, kind: str, name: str) -> list[int]:
        return self._made.get((_GROUP.get(kind, kind), name.lower()), [])


def _made_by(text: str) -> set[tuple[str, str]]:
    about = subject(text)
    if about and about.kind in ("policy", "trigger", "index", "constraint"):
        return {(about.kind, about.name.lower())} if about.verb == "create" else set()
    head = text if about is None or about.kind not in ("function", "procedure") else text[:400]
    made = set()
    for found in _CREATES.finditer(head):
        kind = found[1].lower()
        made.add((_GROUP.get(kind, kind), unquote(found[3]).lower()))
        if head is not text:
            return made
    if (about and about.verb == "alter") or "add column" in text.lower():
        made |= {("column", unquote(found[1]).lower()) for found in _ADDS.finditer(text)}
        for found in _RENAMES.finditer(text):
            made |= {(kind, unquote(found[1]).lower()) for kind in ("column", "table")}
    return made


# PostGIS is only stood in for: what its stand-in lacks is no fault of the chain.
_STAND_IN = re.compile(
    r"data type \S*geo(?:metry|graphy) has no default operator class"
    r"|operator does not exist: .*\bgeo(?:metry|graphy)\b"
    r"|operator class \S*(?:geometry|geography)\S* does not exist"
    r"|function (?:[\w\"]+\.)?_?st_\w+\(.*\) (?:does not exist|is not unique)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Verdict:
    """`cascade`: it would have applied, had something before it applied."""

    cause: Cause
    reason: str
    names: tuple[str, ...] = ()
    cascade: bool = False
    at: int = 0
    """The number of the other statement that the reason speaks of."""


class Judge:
    def __init__(self, makers: Makers, where: Mapping[int, str]) -> None:
        self._makers = makers
        self._where = where
        self.failed: set[int] = set()
        self.damaged: set[str] = set()
        """Names of tables that are not as the chain meant them."""

    def judge(self, number: int, piece: Piece, message: str, sqlstate: str) -> Verdict:
        if _STAND_IN.search(message):
            return Verdict(
                Cause.OTHER, f"the stand-in of PostGIS does not: {message}", cascade=True
            )
        if sqlstate in _TWICE:
            return self._twice(number, piece, message)
        if (lost := missing(message)) and sqlstate != "42601":
            return self._missing(number, piece, lost, message)
        cause, words = _BY_STATE.get("23505" if sqlstate in _DATA else sqlstate, _UNKNOWN)
        rests = cause in (Cause.DATA, Cause.OTHER) and self._mentions_damage(piece)
        return Verdict(cause, f"{words}{message}", cascade=rests)

    def note(self, number: int, piece: Piece) -> None:
        """Remember what a statement that failed leaves undone."""
        self.failed.add(number)
        about = subject(piece.text)
        if about and about.kind in ("table", "view", "materialized view"):
            self.damaged.add(about.name)

    def _missing(self, number: int, piece: Piece, lost: Missing, message: str) -> Verdict:
        makers = self._makers.of(lost.kind, lost.name)
        what = f"{lost.kind} `{lost.name}`"
        if lost.kind == "column" and self._mentions_damage(piece, lost.table):
            return Verdict(Cause.NOWHERE, message, (lost.name,), cascade=True)
        before = [at for at in makers if at < number]
        later = [at for at in makers if at > number]
        if any(at in self.failed for at in before):
            return Verdict(Cause.NOWHERE, message, (lost.name,), cascade=True)
        if before:
            reason = f"the {what} is no longer there, or has another form: {message}"
            return Verdict(Cause.GONE, reason, (lost.name,), self._mentions_damage(piece))
        if later:
            reason = f"it needs the {what}, which only {self._where[later[0]]} makes"
            return Verdict(Cause.LATER, reason, (lost.name,), at=later[0])
        if lost.kind in ("policy", "trigger", "constraint") and self._mentions_damage(piece):
            return Verdict(Cause.NOWHERE, message, (lost.name,), cascade=True)
        return Verdict(Cause.NOWHERE, _nowhere(lost, message), (lost.name,))

    def _twice(self, number: int, piece: Piece, message: str) -> Verdict:
        about = subject(piece.text)
        names = (about.name,) if about else ()
        makers = self._makers.of(about.kind, about.name) if about else []
        first = next((at for at in makers if at < number and at not in self.failed), 0)
        reason = message + (f", made by {self._where[first]}" if first else "")
        # What was completed from the types may hold what the chain is yet to add.
        rests = not first and not self.damaged.isdisjoint(re.findall(r'"([^"]+)"', message))
        return Verdict(Cause.TWICE, reason, names, rests, first)

    def _mentions_damage(self, piece: Piece, table: str = "") -> bool:
        if table:
            return table in self.damaged
        words: Collection[str] = set(re.findall(r"[\w$]+", piece.text))
        return not self.damaged.isdisjoint(words)


def _nowhere(lost: Missing, message: str) -> str:
    if lost.kind == "schema" and (extension := EXTENSION_OF.get(lost.name)):
        return f"it needs the extension `{extension}`, which no migration creates"
    if lost.kind == "extension":
        return f"the extension `{lost.name}` is not known"
    if lost.kind == "function":
        return f"no migration makes what it calls: {message}"
    return f"it needs the {lost.kind} `{lost.name}`, which no migration makes"
