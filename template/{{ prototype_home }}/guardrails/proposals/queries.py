"""The prototype's own queries of its database, as its JavaScript and TypeScript say them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ast_grep_py import SgNode, SgRoot

from ..engine.tree import Tree

if TYPE_CHECKING:
    from ast_grep_py import Config

_CODE = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".vue", ".svelte")
_ASIDE = re.compile(
    r"(^|/)(tests?|__tests__|__mocks__|e2e|spec|scripts?|dist|build|node_modules)/|\.(test|spec)\.|(^|[/_.-])seed"
)
_LANGUAGE = {".ts": "typescript", ".mts": "typescript"}
_SCRIPT = re.compile(r"<script[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
_STARTS: "Config" = {
    "rule": {
        "kind": "call_expression",
        "has": {
            "field": "function",
            "kind": "member_expression",
            "has": {"field": "property", "regex": "^(from|rpc)$"},
        },
    }
}
_LITERAL = re.compile(r"""^['"`]([^'"`$]+)['"`]""")
_NO_CLIENT = re.compile(r"(^|\.)(Array|Buffer|Uint8Array|Observable|Object|Readable|\w*Array)$")
OPERATIONS = ("select", "insert", "update", "delete", "upsert")
_FILES = ("upload", "download", "list", "remove", "createSignedUrl", "move", "copy", "update")
# With the secret key the policies are not asked.
_SERVICE = re.compile(
    r"SERVICE_?ROLE|service_role|supabaseAdmin|SECRET_KEY|createAdminClient", re.IGNORECASE
)
_SIGNS_IN = re.compile(
    r"\.auth\s*\.\s*(?:signIn\w*|signUp|setSession|verifyOtp|exchangeCodeForSession)\s*\(|<Auth\b"
)
_IDENTITY = re.compile(
    r"\buse\w*(?:Auth|User|Session|Profile|Company|Organi[sz]ation|Tenant|Workspace|Permission|Role)"
    r"\w*\s*\(|\bgetUser\s*\(|\bgetSession\s*\("
    r"|onAuthStateChange|AuthContext|\bsession\.user\b"
)
_CALLER = re.compile(
    r"\b(?:user|session|auth|currentUser|authUser|me|claims|data)\b[?!]?(?:\.\w+[?!]?)*\.(?:id|uid|sub|email)\b"
)
_HANDED = re.compile(r"\(\s*(?:[^()]*,\s*)?(?:\w+[?!]?\.)*user[?!]?\.id\b")
_GUEST = re.compile(r"(?:\|\||\?\?)\s*(?:null|undefined)|\?[^:]*:\s*null|^null$")
_KEY = re.compile(r"""^\s*(?:['"]([\w-]+)['"]|([\w$]+))\s*(:|$)""")
ADMIN = re.compile(r"admin|back-?office|moderat|super-?user", re.IGNORECASE)


@dataclass(frozen=True)
class Sent:
    """What a write sends: its keys, with the text of each value; `whole` is whether that is all."""

    values: tuple[tuple[str, str], ...] = ()
    whole: bool = False

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(key for key, _ in self.values)

    def guest(self, key: str) -> bool:
        """Whether it is sent without a person, too."""
        return any(_GUEST.search(value) for name, value in self.values if name == key)


@dataclass(frozen=True)
class Query:
    """`table` is a function's name for `rpc` and a bucket's for `storage`."""

    path: str
    line: int
    table: str
    operation: str
    columns: tuple[str, ...] = ()
    """What a SELECT names; nothing is everything."""
    sent: Sent = Sent()
    own: frozenset[str] = frozenset()
    """Columns that it compares with the caller's own id or address."""
    filters: tuple[str, ...] = ()
    """Columns that it compares with something else."""
    returning: bool = False
    embedded: bool = False
    signed_in: bool = False
    """Whether its file asks who is signed in."""

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}"

    @property
    def admin(self) -> bool:
        return ADMIN.search(self.path) is not None

    def __str__(self) -> str:
        verb = f"{self.operation} {self.table}"
        return f"{self.place} {verb}{' (embedded)' if self.embedded else ''}"


@dataclass(frozen=True)
class Queries:
    found: tuple[Query, ...] = ()
    unread: tuple[str, ...] = ()
    """Places of queries whose table is not said where they stand."""
    apps: tuple[str, ...] = ("",)
    """The folders of apps, the deepest first."""
    sign_in: frozenset[str] = frozenset()
    """Those that sign people in with the database's own accounts: in the others all are anon."""

    def signs_in(self, query: Query) -> bool:
        return _app(query.path, self.apps) in self.sign_in

    def of(self, table: str) -> Iterator[Query]:
        return (query for query in self.found if query.table == table)


def one_of_each_form(queries: Iterable[Query]) -> list[Query]:
    """Queries that differ in nothing but their place are run once."""
    forms: dict[Query, Query] = {}
    for query in queries:
        place = f"{query.path.partition(chr(47))[0]}{query.admin}"
        form = replace(query, line=0, path=place)
        forms.setdefault(form, query)
    return list(forms.values())


def collect(tree: Tree) -> Queries:
    found: list[Query] = []
    unread: list[str] = []
    sign_in: set[str] = set()
    folders = {path.rpartition("/")[0] for path in tree.matching("**/package.json")}
    apps = tuple(sorted({"", *folders}, key=lambda folder: (-len(folder), folder)))
    for path in tree.ending(*_CODE):
        text = "" if _ASIDE.search(path) else tree.text(path) or ""
        if _SIGNS_IN.search(text):
            sign_in.add(_app(path, apps))
        if not (".from(" in text or ".rpc(" in text) or _SERVICE.search(text):
            continue
        for query in _in_file(path, text):
            if query.table:
                found.append(query)
            else:
                unread.append(query.place)
    return Queries(tuple(found), tuple(unread), apps, frozenset(sign_in))


def _app(path: str, apps: tuple[str, ...]) -> str:
    return next((app for app in apps if not app or path.startswith(f"{app}/")), "")


def _in_file(path: str, text: str) -> Iterator[Query]:
    suffix = "." + path.rpartition(".")[2]
    if suffix in {".vue", ".svelte"}:
        # The lines stay what they are.
        text = _only_scripts(text)
    root = SgRoot(text, _LANGUAGE.get(suffix, "tsx")).root()
    caller = _Caller(text)
    for node in root.find_all(_STARTS):
        yield from _of_call(path, node, caller)


def _only_scripts(text: str) -> str:
    kept = ["\n" if char == "\n" else " " for char in text]
    for found in _SCRIPT.finditer(text):
        kept[found.start(1) : found.end(1)] = found[1]
    return "".join(kept)


class _Caller:
    """Which expressions of a file stand for whoever is signed in."""

    def __init__(self, text: str) -> None:
        self.known = _IDENTITY.search(text) is not None
        self._shadowed = re.search(r"\(?\s*\buser\b\s*(?:,\s*\w+\s*)?\)?\s*=>", text) is not None
        self._handed = _HANDED.search(text) is not None or re.search(
            r"\buser_?[iI]d\s*=\s*[^;\n]*\buser[?!]?\.id\b", text
        )

    def is_meant(self, expression: str) -> bool:
        if not self.known:
            return False
        if re.fullmatch(r"user_?[iI]d|uid|currentUserId", expression.strip()):
            return bool(self._handed)
        loops = self._shadowed and re.match(r"user[?!]?\.", expression)
        return _CALLER.search(expression) is not None and not loops


def _of_call(path: str, node: SgNode, caller: _Caller) -> Iterator[Query]:
    function = node.field("function")
    receiver = function.field("object") if function else None
    method = function.field("property") if function else None
    arguments = _arguments(node)
    if receiver is None or method is None or not arguments:
        return
    if _NO_CLIENT.search(receiver.text()) or not _is_client(receiver.text()):
        return
    line = node.range().start.line + 1
    name = _literal(arguments[0])
    links = list(_links(node))
    start = Query(path, line, name, "", signed_in=caller.known)
    if method.text() == "rpc":
        sent = _sent(arguments[1]) if len(arguments) > 1 else Sent((), True)
        yield replace(start, operation="rpc", sent=sent)
    elif receiver.text().rstrip("?! ").endswith("storage"):
        if any(link in _FILES for link, _ in links):
            yield replace(start, operation="storage")
    else:
        yield from _of_table(start, links, caller)


def _is_client(receiver: str) -> bool:
    """`supabase`, `db`, `client`, `this.supabase`, `createClient()`: one thing, not a query."""
    return re.search(r"\.(select|insert|update|delete|from)\(", receiver) is None


def _of_table(
    start: Query, links: list[tuple[str, list[SgNode]]], caller: _Caller
) -> Iterator[Query]:
    names = [name for name, _ in links]
    operation = next((name for name in names if name in OPERATIONS), "")
    if not operation:
        return
    own, filters = _filters(links, caller)
    given = next(arguments for name, arguments in links if name == operation)
    query = replace(start, operation=operation, own=own, filters=filters)
    if operation == "select":
        columns, embedded = _selected(_literal(given[0]) if given else "*")
        yield replace(query, columns=columns)
        for table in embedded:
            one = bool(own or filters)
            yield Query(
                start.path, start.line, table, "select", filters=("id",) if one else (),
                embedded=True, signed_in=start.signed_in,
            )  # fmt: skip
        return
    returning = "select" in names[names.index(operation) + 1 :]
    sent = _sent(given[0]) if given and operation != "delete" else Sent()
    yield replace(query, sent=sent, returning=returning)


def _links(node: SgNode) -> Iterator[tuple[str, list[SgNode]]]:
    """The calls that follow in the same chain."""
    while True:
        member = node.parent()
        call = member.parent() if member is not None else None
        if member is None or call is None or member.kind() != "member_expression":
            return
        if call.kind() != "call_expression":
            return
        method = member.field("property")
        yield (method.text() if method else "", _arguments(call))
        node = call


def _arguments(call: SgNode) -> list[SgNode]:
    arguments = call.field("arguments")
    if arguments is None:
        return []
    return [node for node in arguments.children() if node.is_named() and node.kind() != "comment"]


def _literal(node: SgNode) -> str:
    found = _LITERAL.match(node.text())
    return found[1].strip() if found else ""


def _filters(
    links: Iterable[tuple[str, list[SgNode]]], caller: _Caller
) -> tuple[frozenset[str], tuple[str, ...]]:
    own: set[str] = set()
    others: list[str] = []
    for name, arguments in links:
        if name == "eq" and len(arguments) == 2 and (column := _literal(arguments[0])):
            if caller.is_meant(arguments[1].text()):
                own.add(column)
            else:
                others.append(column)
        elif name == "match" and arguments:
            others += [key for key, _ in _sent(arguments[0]).values]
        elif name == "or" and arguments and (text := arguments[0].text()):
            found = re.findall(r"(\w+)\.eq\.\$\{([^}]*)\}", text)
            own |= {column for column, value in found if caller.is_meant(value)}
    return frozenset(own), tuple(others)


def _selected(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The table's own columns, and the tables embedded."""
    embedded = []
    while found := re.search(r"((?:[\w-]+\s*:\s*)?\w+(?:!\w+)*)\s*\(([^()]*)\)", text):
        name = found[1].rpartition(":")[2].strip().partition("!")[0]
        if name not in {"count", "sum", "avg", "min", "max"}:
            embedded.append(name)
        text = text[: found.start()] + text[found.end() :]
    parts = [part.strip().rpartition(":")[2].partition("->")[0] for part in text.split(",")]
    columns = tuple(part.partition("::")[0].strip() for part in parts if part.strip())
    return (() if "*" in columns else columns), tuple(dict.fromkeys(embedded))


def _sent(node: SgNode) -> Sent:
    """The keys of an object, of the first where several are sent."""
    text = node.text()
    if node.kind() in {"as_expression", "satisfies_expression", "parenthesized_expression"}:
        inner = next((child for child in node.children() if child.is_named()), None)
        return _sent(inner) if inner is not None else Sent()
    if node.kind() == "array":
        first = next((child for child in node.children() if child.is_named()), None)
        return _sent(first) if first is not None else Sent()
    if node.kind() != "object" or not text.startswith("{"):
        return Sent()
    values: list[tuple[str, str]] = []
    whole = True
    for child in node.children():
        if not child.is_named() or child.kind() == "comment":
            continue
        found = _KEY.match(child.text())
        if child.kind() in {"pair", "shorthand_property_identifier"} and found:
            key = found[1] or found[2]
            values.append((key, child.text().partition(":")[2].strip() or key))
        else:
            whole = False
    return Sent(tuple(values), whole)
