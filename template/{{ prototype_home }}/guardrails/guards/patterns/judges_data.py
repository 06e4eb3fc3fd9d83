"""Judges of reads without end, queries in loops, and writes without a transaction."""

from ...engine import regex as re
from ...engine.finding import Severity
from .case import WRITE, Case, Judge, last_name
from .scan import Match
from .source import Source

_BOUNDED = re.compile(
    r"\.\s*(limit|range|single|maybeSingle|csv|abortSignal_only|count|take|returns_only)\s*[<(]"
)
_BY_KEY = re.compile(
    r"\.\s*(eq|in|match)\s*\(\s*[\"'`{]\s*[\w.]*?(_?id|Id|uuid|email|slug|token|code)\b"
)
_WRITES_FIRST = re.compile(r"\.\s*(insert|upsert|update|delete)\s*\([^;]*$", re.DOTALL)


def unbounded_select(case: Case) -> Case | None:
    """A Supabase select that grows with its table: no limit, no range, no key."""
    match, source = case.match, case.source
    if re.search(r"head\s*:\s*true", match.text) or _WRITES_FIRST.search(match.text):
        return None
    if not (table := re.search(r"\.\s*from\s*(?:<[^>]*>)?\(\s*[\"'`]([\w.]+)", match.text)):
        return None
    chain = source.chain_after(match.end_line, match.end_column)
    if _BOUNDED.search(chain) or _BY_KEY.search(chain):
        return None
    name = source.assigned(match.line)
    if name and re.fullmatch(r"[\w$]+", name) and _bounded_later(name, case.below[:4000]):
        return None
    return case.but(TABLE=table[1])


def _bounded_later(name: str, below: str) -> bool:
    """`query = query.limit(50)`, or a key that is not only asked for under a condition."""
    held = re.escape(name)
    for step in re.finditer(
        rf"(?m)^([^\n;]*)(?<![\w$.]){held}\s*(?:=\s*{held})?((?:\s*\.\s*\w+\([^;]*?\))+)", below
    ):
        steps = _BOUNDED.search(step[2]) or _BY_KEY.search(step[2])
        before = below[: step.start()][-120:] + re.sub(rf"{held}\s*=\s*$", "", step[1])
        if steps and not _UNLESS.search(before):
            return True
    return False


_UNLESS = re.compile(r"if\s*\([^;{}]*\)\s*\{?\s*(?://[^\n]*)?\s*$")


def unbounded_orm(case: Case) -> Case | None:
    """The same for Prisma, Drizzle and Mongoose."""
    match, source = case.match, case.source
    chain = match.text + source.chain_after(match.end_line, match.end_column)
    if re.search(
        r"\btake\s*:|\blimit\s*:|\.\s*(limit|countDocuments|where|cursor|lean_only)\s*\(", chain
    ):
        return None
    arguments = match.text.rpartition("(")[2] if "findMany" not in match.text else match.text
    if re.search(r"\.find\(\s*\{\s*[^\s}]", match.text):
        return None
    if "where" in arguments and not _takes_all(case, arguments):
        return None
    return case.but(TABLE=last_name(case.name("TABLE")) or case.name("TABLE"))


_FIXED = re.compile(
    r"\bwhere\s*:\s*\{\s*(?:\w+\s*:\s*(?:true|false|null|[\"']\w+[\"']|[A-Z]\w+\.[A-Z_]+)\s*,?\s*)+\}"
)
_SOMETIMES_ALL = re.compile(r"\?\s*(?:\{\s*\}|undefined)\s*:|:\s*(?:\{\s*\}|undefined)\s*;?\s*$")


def _takes_all(case: Case, arguments: str) -> bool:
    """Whether the condition leaves the table as long as it is: `isActive: true`, or for an
    administrator none at all."""
    if _FIXED.search(arguments):
        return True
    named = re.search(r"\bwhere\s*(?::\s*(\w+)\s*)?[,}]", arguments)
    if named is None:
        return False
    made = case.source.definition(named[1] or "where", case.match.line).partition("=")[2]
    return _SOMETIMES_ALL.search(made[:300]) is not None


_COLLECTION = re.compile(r"\bcollection\(\s*(?:\w+\s*,\s*)?[\"'`]([\w/${}.-]+)[\"'`]\s*\)")
_NARROWED = re.compile(r"\b(?:where|limit|limitToLast|startAfter|documentId|doc)\(|\$\{")


def unbounded_firestore(case: Case) -> Case | None:
    """A collection of Firestore as a whole: no condition, no limit, and nobody's own."""
    asked = case.name("QUERY") or case.name("FROM")
    told = asked + _made_of(case, asked)
    if "irestore" not in case.source.text or _NARROWED.search(told):
        return None
    found = _COLLECTION.search(told)
    return case.but(TABLE=found[1]) if found else None


def _made_of(case: Case, asked: str) -> str:
    """What the names in a query stand for: `query(orders, orderBy(…))`."""
    names = re.findall(r"(?<![\w$.\"'`])([A-Za-z_$][\w$]*)(?![\w$(\"'`])", asked)[:4]
    made = "".join(case.source.definition(name, case.match.line)[:400] for name in names)
    inner = re.findall(r"\bquery\(\s*([A-Za-z_$][\w$]*)\s*,", made)
    return made + "".join(case.source.definition(name, case.match.line)[:200] for name in inner)


def unbounded_sql(case: Case) -> Case | None:
    text = case.match.text
    table = re.search(r"\bfrom\s+[\"`\\]*([a-z_][\w.]*)", text, re.IGNORECASE)
    if not table or not re.match(
        r"\s*(\w[\w.]*)?\s*[`\"'(]*\s*select\b", text, re.IGNORECASE | re.DOTALL
    ):
        return None
    if re.search(
        r"\b(limit|where|count|sum|fetch\s+first|exists|group\s+by|max|now)\b", text, re.IGNORECASE
    ):
        return None
    if table[1].lower().startswith(("information_schema", "pg_", "sqlite_")):
        return None
    return case.but(TABLE=table[1])


def unbounded_built_sql(case: Case) -> Case | None:
    """`SELECT … WHERE 1=1`, to which conditions are added where somebody asks for them."""
    table = re.search(r"\bfrom\s+[\"`\\]*([a-z_][\w.]*)", case.match.text, re.IGNORECASE)
    asked = re.search(rf"\b\w+\(\s*{re.escape(case.name('NAME'))}\b", case.below)
    if table is None or asked is None or re.search(r"\blimit\b", case.below, re.IGNORECASE):
        return None
    if re.search(r"\b(?:count|sum|max)\s*\(", case.match.text, re.IGNORECASE):
        return None
    return case.but(TABLE=table[1])


_QUERY = re.compile(
    r"\.from\(|supabase|prisma\.|\bdb\.|storage\.|\.(find|findOne|findById|findUnique|findFirst"
    r"|findMany|"
    r"insertOne|updateOne|query|execute|save|rpc|invoke)\(|\b(?:getDocs?|getCountFromServer)\(|\bsql`|\bfetch\(|axios|\.functions\.",
)


def query_in_loop(case: Case) -> Case | None:
    """A round trip for each element of a list."""
    text = case.match.text
    if not _QUERY.search(text) or "Promise.all" in text or ".range(" in text:
        return None
    chain = text + case.source.chain_after(case.match.end_line, case.match.end_column)
    if re.search(r"\.range\(|sleep|setTimeout|retry|attempt|\.in\(|\.storage\b|\.read\(", chain):
        return None
    near = case.source.between(max(1, case.match.line - 14), case.match.line)
    if re.search(
        r"\b(attempt|retries|retry|hasMore|nextPage|cursor|pageToken|chunk|batch|offset)\w*\b",
        near,
        re.IGNORECASE,
    ):
        return None
    if case.source.is_tooling and not case.source.is_server:
        return None
    after = case.source.between(case.match.end_line, case.match.end_line + 25)
    return case.but(severity=Severity.LOW) if _ONE_BY_ONE.search(f"{text} {after}") else case


# Messages go out one at a time whatever one does.
_ONE_BY_ONE = re.compile(
    r"^await\s+fetch\(|setTimeout|\b(?:sleep|delay|wait)\w*\(|rate.?limit", re.IGNORECASE
)
_KEPT_ASIDE = re.compile(
    r"log|audit|notification|activity|event|history|feedback|milestone|tracking|cache|snapshot"
    r"|metric|queue|suppress|unsubscribe",
    re.IGNORECASE,
)
_ATOMIC = re.compile(
    r"\btransaction\b|\$transaction|\bBEGIN\b|\bsql\.begin|\.rpc\(|withTransaction|startSession|\btx\b|trx"
)


_MODEL = re.compile(r"[A-Z]\w+\.")
_TOGETHER = re.compile(
    r"order|booking|payment|transaction|wallet|balance|reservation|invoice|purchase|transfer|ticket"
    r"|subscription|enrol|appointment|coupon|stock|inventory",
    re.IGNORECASE,
)
"""Documents of MongoDB are often kept apart on purpose: of these half is worse than nothing."""


def several_writes(case: Case) -> Case | None:
    """Writes to several tables that must go together, one by one."""
    source = case.source
    first, last = source.named_block(case.match.line)
    beside = [one for one in source.matches[case.match.pattern] if first <= one.line <= last]
    if any(one.line < case.match.line for one in beside):
        return None
    named = {name.lower(): name for one in beside if (name := _table(one.text))}
    tables = list(named.values())
    if (len(tables) < 2 and not _emptied_first(source, beside)) or _ATOMIC.search(case.around):
        return None
    documents = _MODEL.match(case.match.text) or ".save(" in case.match.text[:40]
    if documents and not any(_TOGETHER.search(name) for name in tables):
        return None
    moved = (
        re.search(r"insert", case.match.text[:400], re.IGNORECASE)
        and _in_a_loop(case.above[-900:])
        and re.search(r"delete\s+from|\.delete\(", case.below, re.IGNORECASE)
    )
    severity = Severity.HIGH if moved and source.is_server else None
    told = ", ".join(tables[:4]) if len(tables) > 1 else f"the old rows of {tables[0]} and the new"
    return case.but(severity=severity, TABLES=told)


_OTHERWISE = re.compile(r"\belse\b|\breturn\b|\bcase\b")
_SHORT_LIVED = re.compile(r"otp|code|token|session|verif|reset", re.IGNORECASE)
_FAILED = re.compile(r"if\s*\([^()]*(?i:err)[^()]*\)\s*(?:\{[^{}]*\}|[^;\n]*)")


def _emptied_first(source: Source, beside: list[Match]) -> bool:
    """Whether rows are deleted and others put in their place: what fails between loses them."""
    written = [(one.line, _table(one.text), one.text) for one in beside if ".from(" in one.text]
    return any(
        table
        and table == added
        and not _SHORT_LIVED.search(table)
        and ".delete(" in text
        and ".insert(" in put
        and line < later
        and not _OTHERWISE.search(_FAILED.sub("", source.between(line + 1, later - 1)))
        for line, table, text in written
        for later, added, put in written
    )


def _in_a_loop(above: str) -> bool:
    """Whether a loop that begins in the text has not ended there."""
    starts = [found.start() for found in re.finditer(r"\bfor\s*\(|\.map\(|\.forEach\(", above)]
    return any(above.count("{", at) > above.count("}", at) for at in starts)


def _table(statement: str) -> str:
    """The table that a statement writes; nothing for a log, which may stay behind."""
    if saved := re.match(r"([a-z]\w*)\.save\(", statement):
        aside = saved[1] != "event" and _KEPT_ASIDE.search(saved[1])
        return "" if aside or _NO_ROW.fullmatch(saved[1]) else saved[1]
    found = WRITE.search(statement[:600])
    name = next((value for value in found.groupdict().values() if value), "") if found else ""
    return "" if _KEPT_ASIDE.search(name) else name


_NO_ROW = re.compile(r"ctx|context|canvas|session|req|doc|pdf|store|config|this", re.IGNORECASE)
"""What is saved and no row: the state of a drawing, a file, a session."""
_COUNTED = re.compile(
    r"balance|stock|credit|quantity|wallet|points|inventory|amount|fund|seats|spent|score|likes"
    r"|capacity|saldo|estoque|quantidade|pontos|uses\b|used\b|\bcoins|_count\b|Count\b|[a-z](?:Amount|Balance|Stock)\b"
)
_OPENED = re.compile(
    r"\.(?:update|set|findByIdAndUpdate|upsert)\(\s*(?:\w+,\s*)?\[?\s*\{[^}]*$|data:\s*\{[^}]*$"
)


def read_modify_write(case: Case) -> Case | None:
    """A new value computed from one that was read before: two at once, and one is lost."""
    found = re.match(r"[\"']?(\w+)[\"']?\s*:\s*(.*)$", case.match.text, re.DOTALL)
    if not found or re.search(r"[\"'`]", found[2]) or "sql`" in found[2]:
        return None
    name, value = found[1], found[2]
    if not _from_before(name, value):
        return None
    if not re.search(rf"\.{re.escape(name)}\b", value) and not _COUNTED.search(name):
        return None
    if not _is_stored(case):
        return None
    return case.but(severity=None if _COUNTED.search(name) else Severity.LOW, NAME=name)


def _from_before(name: str, value: str) -> bool:
    wanted = rf"\.{re.escape(name)}\b|\b(current|old|prev|existing|new)\w*\b"
    return re.search(wanted, value, re.IGNORECASE) is not None


def _is_stored(case: Case) -> bool:
    source, line = case.source, case.match.line
    before = source.between(max(1, line - 6), line - 1)
    before += "\n" + source.line(line)[: case.match.column]
    return bool(_OPENED.search(before)) and not re.search(r"set\w*\(\s*\(?prev|useState", before)


_COMPUTED = re.compile(r"[\w)\]]\s*[+-]\s*[\w(]")


def stored_sum(case: Case) -> Case | None:
    """The same with the sum in a name of its own: `sum = row.credits + more`, `credits: sum`."""
    name, value = case.name("KEY").strip("\"'"), case.name("SUM")
    value = re.sub(r"^new\s+[\w.]+\(\s*(\w+)\s*\)$", r"\1", value)
    if not value.isidentifier() or not _COUNTED.search(name) or not _is_stored(case):
        return None
    made = case.source.definition(value, case.match.line).partition("=")[2]
    if len(made) > 300 or not re.search(rf"\.{re.escape(name)}\b", made):
        return None
    return case.but(NAME=name) if _COMPUTED.search(made) else None


_HELD = re.compile(
    r"balance|stock|points|credits|coins|wallet|saldo|earnings|seats|spots|capacity|inventory",
    re.IGNORECASE,
)
_IN_ONE = re.compile(r"withTransaction|startTransaction|startSession|FOR\s+UPDATE", re.IGNORECASE)


def added_and_saved(case: Case) -> Case | None:
    """`wallet.balance += amount`, and then `wallet.save()`: a document as it was when read."""
    row, name = case.name("ROW"), case.name("KEY")
    saved = re.search(rf"(?<![\w$.]){re.escape(row.partition('.')[0])}\.save\(", case.below)
    if not saved or not _HELD.search(name) or _IN_ONE.search(case.above):
        return None
    return case.but(NAME=f"{row}.{name}")


def checked_then_counted(case: Case) -> Case | None:
    """What is left is read and compared, and taken away in a statement that compares nothing."""
    name = case.name("KEY").strip("\"'")
    before = case.source.between(max(1, case.match.line - 8), case.match.line)
    if re.search(r"\.updateMany\(", before) or not re.search(r"\.update\(", before):
        return None
    column = re.escape(name)
    held = "|".join(re.findall(rf"(\w+)\s*=\s*[^;\n]*\.{column}\b", case.above)) or "$^"
    test = re.compile(
        rf"if\s*\([^{{}};]*(?:\.{column}\b[^{{}};]*[<>]|[<>][^{{}};]*\.{column}\b"
        rf"|\b(?:{held})\s*[<>]|[<>]=?\s*(?:{held})\b)"
    )
    return case.but(NAME=name) if test.search(case.above[-2500:]) else None


_GET_WRITES = re.compile(
    r"\bdelete\s+from\b|\binsert\s+into\b|\bupdate\s+\w+\s+set\b|(?:from\([^)]*\)\s*|prisma\.\w+"
    r"|\bdb)\s*"
    r"\.(?:insert|update|delete|upsert|create)\w*\(|await\s+(?:\w+\.)?(?:archive|delete|remove"
    r"|purge|move)[A-Z]\w*\(",
    re.IGNORECASE,
)
_GET_MAY = re.compile(
    r"callback|auth/|cron|webhook|unsubscribe|verify|confirm|logout|track|view|open|click",
    re.IGNORECASE,
)


def writes_in_get(case: Case) -> Case | None:
    """A GET that changes data: a crawler, a prefetch or a reload does it again."""
    found = _GET_WRITES.search(case.match.text)
    if not found or _GET_MAY.search(case.source.path):
        return None
    if _GET_MAY.search(case.match.text[:120]):
        return None
    if re.search(
        r"log|audit|view|visit|last_|session|cache|profile",
        case.match.text[found.start() : found.end() + 40],
        re.IGNORECASE,
    ):
        return None
    return case.but(
        severity=Severity.HIGH
        if re.search(r"delete|archive|purge|remove", found[0], re.IGNORECASE)
        else None,
        WHAT=" ".join(found[0].split()),
    )


JUDGES: dict[str, Judge] = {
    "unbounded-select": unbounded_select,
    "unbounded-orm": unbounded_orm,
    "unbounded-sql": unbounded_sql,
    "unbounded-built-sql": unbounded_built_sql,
    "unbounded-firestore": unbounded_firestore,
    "query-in-loop": query_in_loop,
    "several-writes": several_writes,
    "read-modify-write": read_modify_write,
    "stored-sum": stored_sum,
    "added-and-saved": added_and_saved,
    "checked-then-counted": checked_then_counted,
    "writes-in-get": writes_in_get,
}
