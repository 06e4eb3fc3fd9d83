"""Whom the security rules of Firebase let read and write: Firestore, Storage, Realtime Database.

They are the only thing between a browser that holds the public configuration and every record."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ...engine.finding import Finding, Place, Severity
from ...engine.tree import Tree

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_TOKEN = re.compile(
    r"\bmatch\s+(?P<match>(?:/(?:\{[\w=*]+\}|[\w.$()-]+))+)\s*\{"
    r"|\bfunction\s+(?P<function>\w+)\s*\((?P<parameters>[^)]*)\)\s*\{(?P<body>[^{}]*)\}"
    r"|\ballow\s+(?P<methods>[\w\s,]+?)\s*(?::\s*if\s*(?P<test>.*?))?\s*(?:;|(?=\ballow\b|\bmatch\s+/|\}\s*(?:\n|$)))"
    r"|(?P<open>\{)|(?P<close>\})",
    re.DOTALL,
)
_CALL = re.compile(r"\b([A-Za-z_]\w*)\(([^()]*)\)")
_WRITES = frozenset({"write", "update", "delete"})
_READS = frozenset({"read", "get", "list"})
_TEST_MODE = re.compile(r"request\.time\s*<\s*timestamp\.(?:date|value)\([^()]*\)")
_WHO = re.compile(r"request\.auth\.(?:uid|token)\b(?!\s*!=\s*null)|\b(?:get|exists|existsAfter)\(")
_SIGNED_IN = re.compile(r"request\.auth\b")
_KEEPS_FIELDS = re.compile(
    r"affectedKeys|\bdiff\(|hasOnly|request\.resource\.data\.(?:get\()?['\"]?"
    r"(?:role|is_?admin|admin|plan|status|price|total|amount|balance|credits)\w*|in\s+request\.resource",
    re.IGNORECASE,
)
_RANK = r"(?:role|roles|is_?[aA]dmin|admin|isSuperAdmin|permissions?|user_?[tT]ype|plan|isPremium)"
_PEOPLE = re.compile(
    r"^(?:users?|profiles?|customers?|clients?|patients?|members?|employees?|orders?|bookings?"
    r"|reservations?|appointments?|messages?|chats?|conversations?|contacts?|leads?|payments?"
    r"|transactions?|invoices?|subscriptions?|wallets?|accounts?|applications?|registrations?"
    r"|students?|medical\w*|prescriptions?|documents?|addresses|staff|drivers?|tenants?)$",
    re.IGNORECASE,
)
_MONEY = re.compile(
    r"^(?:wallets?|balances?|credits?|subscriptions?|payments?|transactions?|entitlements?"
    r"|licen[cs]es?)$",
    re.IGNORECASE,
)
_BOUGHT = re.compile(
    r"^(?:orders?|bookings?|reservations?|invoices?|purchases?|tickets?|enrol{1,2}ments?)$",
    re.IGNORECASE,
)
_FORM = re.compile(
    r"contact|lead|feedback|inquir|enquir|wait-?list|newsletter|subscri|analytics|log|event|view"
    r"|report|application|survey|response",
    re.IGNORECASE,
)
_LISTED = re.compile(
    r"exists\(\s*/databases/\$\(\w+\)/documents/(\w*(?:admin|role|staff|moderator|manager|owner)\w*)"
    r"/\$\(request\.auth\.uid\)",
    re.IGNORECASE,
)
_REALTIME = re.compile(r"(?P<what>\"\.(?:read|write)\")\s*:\s*(?P<test>true|\"[^\"\n]*\")")
_BROWSER_WRITES = re.compile(r"\b(?:addDoc|setDoc|updateDoc|deleteDoc)\(")
_STARTS = re.compile(r"\b(?:getFirestore|initializeFirestore)\(")
_MOST_EXPANSIONS = 40


@dataclass(frozen=True)
class Allow:
    """An `allow` statement, with the functions of the file put in where its test calls them."""

    path: str
    methods: frozenset[str]
    test: str
    line: int

    @property
    def collection(self) -> str:
        named = [one for one in self.path.split("/") if one and not one.startswith("{")]
        return named[-1] if named else ""

    @property
    def everything(self) -> bool:
        """Whether the path names no collection at all."""
        return not self.collection

    def alternatives(self) -> list[str]:
        return [one.strip() for one in _apart(self.test)] or [""]


def look(tree: Tree) -> Iterator[Finding]:
    files = [path for path in tree.ending(".rules") if "service " in (tree.text(path) or "")]
    for path in files:
        text = tree.text(path) or ""
        judge = _storage if "firebase.storage" in text else _firestore
        yield from judge(tree, path, text)
    realtime = list(tree.matching("**/database.rules.json", "**/database-rules.json"))
    for path in realtime:
        yield from _of_realtime(path, tree.text(path) or "")
    if not files and not realtime:
        yield from _unseen(tree)


def allows(text: str) -> list[Allow]:
    code = _COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    functions = {
        one["function"]: (re.findall(r"\w+", one["parameters"]), _returned(one["body"]))
        for one in _TOKEN.finditer(code)
        if one["function"]
    }
    found: list[Allow] = []
    stack: list[str] = []
    for token in _TOKEN.finditer(code):
        if token["match"]:
            stack.append(token["match"])
        elif token["open"]:
            stack.append("")
        elif token["close"] and stack:
            stack.pop()
        elif token["methods"]:
            test = "true" if token["test"] is None else _expanded(token["test"], functions)
            path = re.sub(r"^/(?:databases|b)/\{\w+\}/(?:documents|o)", "", "".join(stack))
            methods = frozenset(re.findall(r"\w+", token["methods"]))
            line = code.count("\n", 0, token.start()) + 1
            found.append(Allow(path, methods, " ".join(test.split()), line))
    return found


def _returned(body: str) -> str:
    found = re.search(r"\breturn\b(.*?)(?:;|$)", body, re.DOTALL)
    return found[1].strip() if found else ""


def _expanded(test: str, functions: dict[str, tuple[list[str], str]]) -> str:
    """A test with the file's own functions put in, innermost calls first."""
    for _ in range(_MOST_EXPANSIONS):
        call = next((one for one in _CALL.finditer(test) if one[1] in functions), None)
        if call is None:
            break
        names, body = functions[call[1]]
        given = [one.strip() for one in call[2].split(",")]
        for name, value in zip(names, given, strict=False):
            body = re.sub(rf"(?<![\w.]){re.escape(name)}\b", value.replace("\\", r"\\"), body)
        test = f"{test[: call.start()]}({body}){test[call.end() :]}"
    return test


def _apart(test: str) -> Iterator[str]:
    """The alternatives of a test: what stands between its outermost `||`."""
    test = _bare(test)
    depth = start = 0
    for at, char in enumerate(test):
        depth += (char in "([{") - (char in ")]}")
        if depth == 0 and test.startswith("||", at):
            yield from _apart(test[start:at])
            start = at + 2
    if start:
        yield from _apart(test[start:])
    elif test:
        yield test


def _bare(test: str) -> str:
    test = test.strip()
    while test.startswith("(") and test.endswith(")") and _closes_at_end(test):
        test = test[1:-1].strip()
    return test


def _closes_at_end(test: str) -> bool:
    depth = 0
    for at, char in enumerate(test):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return at == len(test) - 1
    return False


def _anybody(test: str) -> bool:
    return _bare(_TEST_MODE.sub("true", test)) in {"true", ""}


def _well_formed(test: str) -> bool:
    """Whether only what is written is looked at, and never who writes it or what was there."""
    return not re.search(r"\bfalse\b|request\.auth|\bget\(|\bexists|(?<!request\.)resource\b", test)


def _any_account(test: str) -> bool:
    return _SIGNED_IN.search(test) is not None and _WHO.search(test) is None


def _firestore(tree: Tree, path: str, text: str) -> Iterator[Finding]:
    found = allows(text)
    ranked = _ranked(tree, found)
    for allow in found:
        for test in allow.alternatives():
            told = (
                _open(allow, test)
                or _for_any_account(allow, test)
                or _of_the_owner(allow, test, ranked)
            )
            if told:
                rule, severity, message = told
                yield _finding(rule, path, text, allow.line, message, severity, allow)
                break


_Told = tuple[str, Severity, str]


def _open(allow: Allow, test: str) -> _Told | None:
    if allow.methods & _WRITES and not _anybody(test) and _well_formed(test):
        said = f"Anybody may change {allow.collection}, as long as it is well-formed"
        return "rls.permissive-write", Severity.HIGH, said
    if not _anybody(test):
        return None
    where = "every document" if allow.everything else allow.collection
    ends = " until a date" if _TEST_MODE.search(test) else ""
    if allow.methods & _WRITES:
        said = f"Anybody may change or delete {where}, without signing in{ends}"
        return "rls.permissive-write", Severity.CRITICAL, said
    if "create" in allow.methods and not _FORM.search(allow.collection):
        return "rls.permissive-write", Severity.MEDIUM, f"Anybody may add to {where}{ends}"
    if allow.methods & _READS and (allow.everything or _PEOPLE.match(allow.collection)):
        said = f"Anybody may read {where}, without signing in{ends}"
        return "rls.permissive-read", Severity.HIGH, said
    return None


def _for_any_account(allow: Allow, test: str) -> _Told | None:
    if not _any_account(test):
        return None
    where = "every document" if allow.everything else f"every document of {allow.collection}"
    if allow.methods & _WRITES:
        said = f"Whoever signs up may change or delete {where}: nobody is asked whose it is"
        return "rls.any-signed-in", Severity.HIGH, said
    if "create" in allow.methods and not _FORM.search(allow.collection):
        said = f"Whoever signs up may add to {allow.collection}, in anybody's name"
        return "rls.any-signed-in", Severity.MEDIUM, said
    if allow.methods & _READS and (allow.everything or _PEOPLE.match(allow.collection)):
        return "rls.any-signed-in", Severity.MEDIUM, f"Whoever signs up may read {where}"
    return None


def _of_the_owner(allow: Allow, test: str, ranked: set[str]) -> _Told | None:
    """Who owns a document may change every field of it, also what decides what they may do."""
    own = re.search(r"request\.auth\.uid\s*==|==\s*request\.auth\.uid", test)
    if own and f"{allow.collection}?" in ranked and allow.methods & {"write", "create"}:
        said = f"A user may add themselves to {allow.collection}, and whoever is in it may do more"
        return "rls.self-escalation", Severity.CRITICAL, said
    if not own or not allow.methods & {"write", "update"} or _KEEPS_FIELDS.search(test):
        return None
    if allow.collection in ranked:
        said = (
            f"A user may write every field of their own document in {allow.collection}, and one "
            f"of them decides what they may do"
        )
        return "rls.self-escalation", Severity.CRITICAL, said
    if _MONEY.match(allow.collection) or _BOUGHT.match(allow.collection):
        said = f"A user may rewrite their own {allow.collection}: amount and state with it"
        grave = Severity.HIGH if _MONEY.match(allow.collection) else Severity.MEDIUM
        return "rls.self-escalation", grave, said
    return None


def _ranked(tree: Tree, found: list[Allow]) -> set[str]:
    """Collections whose documents say what their owner may do, by the rules or by the server;
    with a `?`, those in which it is enough to be.
    """
    in_rules = re.compile(rf"/(\w+)/\$\(request\.auth\.uid\)\)?\)?\.data\.(?:get\(['\"])?{_RANK}\b")
    names = {one for allow in found for one in in_rules.findall(allow.test)}
    names |= {f"{one}?" for allow in found for one in _LISTED.findall(allow.test)}
    read = re.compile(
        r"(?:collection\(\s*['\"](\w+)['\"]\s*\)\.doc\(|doc\(\s*\w+\s*,\s*['\"](\w+)['\"]\s*,)"
        rf"[\s\S]{{0,400}}?\b{_RANK}\s*(?:[!=]==|\)|\.includes\()"
    )
    for path in tree.ending(".ts", ".tsx", ".js", ".jsx"):
        text = tree.text(path) or ""
        if "irestore" in text or "irebase" in text:
            names |= {one[1] or one[2] for one in read.finditer(text)}
    return names


def _storage(_tree: Tree, path: str, text: str) -> Iterator[Finding]:
    for allow in allows(text):
        where = "every file" if allow.everything else f"the files of {allow.collection}"
        for test in allow.alternatives():
            if allow.methods & _WRITES and (_anybody(test) or _any_account(test)):
                who = "Anybody" if _anybody(test) else "Whoever signs up"
                severity = Severity.CRITICAL if _anybody(test) else Severity.HIGH
                said = f"{who} may overwrite {where}: nobody is asked whose they are"
                yield _finding("storage.open-policy", path, text, allow.line, said, severity, allow)
                break


def _of_realtime(path: str, text: str) -> Iterator[Finding]:
    for found in _REALTIME.finditer(text):
        test = found["test"].strip('"').strip()
        line = text.count("\n", 0, found.start()) + 1
        deep = text.count("{", 0, found.start()) - text.count("}", 0, found.start()) > 2
        if "write" in found["what"] and test == "true":
            said = "Anybody may change what is kept here, without signing in"
            yield _finding("rls.permissive-write", path, text, line, said, Severity.CRITICAL)
        elif "write" in found["what"] and re.fullmatch(r"auth\s*!==?\s*null", test):
            said = "Whoever signs up may change what is kept here: nobody is asked whose it is"
            yield _finding("rls.any-signed-in", path, text, line, said, Severity.HIGH)
        elif test == "true" and not deep:
            said = "Anybody may read the whole database, without signing in"
            yield _finding("rls.permissive-read", path, text, line, said, Severity.HIGH)


def _unseen(tree: Tree) -> Iterator[Finding]:
    """The browser writes to Firestore, and no rules are kept that would say who may."""
    starts = ""
    writes = False
    for path in tree.ending(".ts", ".tsx", ".js", ".jsx"):
        text = tree.text(path) or ""
        if "firebase/firestore" in text:
            starts = starts or (path if _STARTS.search(text) else "")
            writes = writes or _BROWSER_WRITES.search(text) is not None
    if starts and writes:
        text = tree.text(starts) or ""
        found = _STARTS.search(text)
        line = text.count("\n", 0, found.start()) + 1 if found else 1
        said = (
            "The browser writes to Firestore, and the repository keeps no rules: whether anybody "
            "may read and change everything can't be seen"
        )
        yield _finding("rls.disabled", starts, text, line, said, Severity.MEDIUM)


def _finding(
    rule: str,
    path: str,
    text: str,
    line: int,
    message: str,
    severity: Severity,
    allow: Allow | None = None,
) -> Finding:
    snippet = text.splitlines()[line - 1].strip()[:200]
    symbol = allow.path if allow else ""
    return Finding(rule, Place(path, line, line, snippet, symbol), message, severity)
