"""A match on trial: what a judge is given and gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ...engine import regex as re
from ...engine.finding import Severity
from ..braces import closing_brace
from .scan import Match
from .source import Source


@dataclass(frozen=True)
class Case:
    """A judge returns it (perhaps with another severity, line or name), or None to drop it."""

    match: Match
    source: Source
    severity: Severity | None = None
    at: int = 0
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def line(self) -> int:
        return self.at or self.match.line

    def name(self, meta: str) -> str:
        if meta == "MATCH":
            return self.match.text
        return self.names.get(meta) or self.match.names.get(meta, "")

    def but(self, severity: Severity | None = None, line: int = 0, **names: str) -> "Case":
        return replace(
            self,
            severity=severity or self.severity,
            at=line or self.at,
            names={**self.names, **names},
        )

    @property
    def around(self) -> str:
        return self.source.around(self.match.line)

    @property
    def above(self) -> str:
        """The enclosing function as far as the match."""
        first, _ = self.source.named_block(self.match.line)
        return self.source.text[
            self.source.offset(first) : self.source.offset(self.match.line, self.match.column)
        ]

    @property
    def below(self) -> str:
        """The enclosing function after the match."""
        _, last = self.source.named_block(self.match.line)
        text = self.source.text
        start = self.source.offset(self.match.end_line, self.match.end_column)
        return text[start : self.source.offset(last) + len(self.source.line(last))]


Judge = Callable[[Case], Case | None]

_REQUEST = re.compile(
    r"\b(req|request|ctx|context|c|event)\??\.(body|query|params|json\(|formData\(|headers|cookies"
    r"|url|nextUrl|req)|\bsearchParams\b|\bparams\b"
)
_READS_REQUEST = re.compile(
    r"=\s*(?:\(?\s*await\s+)?\(?\s*(?:req|request|ctx\.request|c\.req|event)\??\."
    r"(?:json\(|body|query|params|formData\(|text\(|nextUrl)|searchParams\.get|"
    r"\.parse\(\s*(?:req\.body|body|event\.body)|=\s*(?:await\s+)?(?:params|body|payload"
    r"|requestData)\b"
)


_OWN_PARAMS = re.compile(
    r"\bfunction\s+\w+\s*\(\s*params\s*:\s*\{[^{}]*\}\s*\)"
    r"|\bparams\s*=\s*new\s+URLSearchParams\(\s*\)"
)
"""`function send(params: { url: string })` is told by its own program, not by a request."""


_RENAMED = re.compile(
    r"=\s*(?:(?:new\s+URL|decodeURIComponent|decodeURI|String)\(\s*)?([\w$]+)(?:\s+as\s+\w+)?"
    r"(?:\??\.(?:trim|toString|toLowerCase|toUpperCase)\(\))*\s*\)?\s*"
)
"""`const words = search.trim()` is still what was sent, and so is `new URL(address)`."""


def from_request(case: Case, expression: str) -> bool:
    """Does the expression hold what the caller sent, directly or through a local name?"""
    if _REQUEST.search(expression):
        return True
    root = re.match(r"\s*\(?([\w$]+)", expression)
    if not root:
        return False
    if _OWN_PARAMS.search(case.above):
        return False
    name = re.escape(root[1])
    declared = re.compile(
        rf"(?:const|let|var)\s+(?:{name}\b|[\[{{][^;{{}}()]*?\b{name}\b[^;{{}}()]*?[\]}}])"
        rf"[^=\n]*(=\s*[^;\n]*)(\n\s*[?.:|&+])?"
    )
    values = declared.findall(case.above)[-1:]  # the nearest is the one that counts
    if any(_READS_REQUEST.search(value) or _REQUEST.search(value) for value, _ in values):
        return True
    renamed = next((_RENAMED.fullmatch(value) for value, goes_on in values if not goes_on), None)
    return renamed is not None and renamed[1] != root[1] and from_request(case, renamed[1])


def interpolations(template: str) -> list[tuple[str, str]]:
    """The `${…}` of a template with the text before each, and the operands of a concatenation."""
    found: list[tuple[str, str]] = []
    at = template.find("${")
    while at >= 0:
        end = closing_brace(template, at + 2)
        found.append((template[:at], template[at + 2 : end].strip()))
        at = template.find("${", end)
    if "${" not in template:
        pieces = re.finditer(r"([\"'`])\s*\+\s*([\w$.\[\]()?]+)", template)
        found += [(template[: piece.start() + 1], piece[2]) for piece in pieces]
    return found


def last_name(expression: str) -> str:
    """The last identifier of `a.b?.c`, without calls and indexes."""
    found = re.findall(r"[A-Za-z_$][\w$]*", re.sub(r"\([^()]*\)|\[[^\]]*\]", "", expression))
    return found[-1] if found else ""


def words(name: str) -> str:
    """`accessToken`, `access_token`, `ACCESS_TOKEN` as `access token`, to search for words."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    return re.sub(r"[_\-\s]+", " ", spaced).lower().strip()


WRITE = re.compile(
    r"\.from\(\s*[\"'`](?P<supabase>[\w.]+)[\"'`]\s*(?:as any)?\)\s*\.(?:insert|update|upsert"
    r"|delete)\("
    r"|\binsert\s+into\s+[\"`]?(?P<insert>[\w.]+)|\bupdate\s+[\"`]?(?P<update>[\w.]+)[\"`]?\s+set\b"
    r"|\bdelete\s+from\s+[\"`]?(?P<delete>[\w.]+)"
    r"|\bprisma\.(?P<prisma>\w+)\.(?:create|update|delete|upsert)\w*\("
    r"|\bdb\s*\.(?:insert|update|delete)\(\s*(?P<drizzle>\w+)"
    r"|\bstorage\.(?P<storage>(?:create|update|delete)\w+)\("
    r"|(?<![\w.])(?-i:(?P<mongoose>[A-Z]\w+))\.(?:create|insertMany|updateOne|updateMany|deleteOne"
    r"|deleteMany|findByIdAnd(?:Update|Delete)|findOneAnd(?:Update|Delete))\(",
    re.IGNORECASE,
)
