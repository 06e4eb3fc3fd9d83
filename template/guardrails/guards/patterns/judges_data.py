"""Judges of data: reads without end, writes without a transaction, money, days, errors."""

import re

from ...engine.finding import Severity
from .case import Case, Judge, from_request, last_name, words

_BOUNDED = re.compile(
    r"\.\s*(limit|range|single|maybeSingle|csv|abortSignal_only|count|take|returns_only)\s*[<(]"
)
_BY_KEY = re.compile(
    r"\.\s*(eq|in|match)\s*\(\s*[\"'`{]\s*[\w.]*?(_?id|Id|uuid|email|slug|token|code)\b"
)
_WRITES_FIRST = re.compile(r"\.\s*(insert|upsert|update|delete)\s*\([^;]*$", re.S)


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
    first = match.line
    name = source.assigned(first)
    if (
        name
        and re.fullmatch(r"[\w$]+", name)
        and re.search(
            rf"\b{re.escape(name)}\s*(?:=\s*{re.escape(name)})?[^;]*\.\s*(limit|range|single|maybeSingle|eq|in)\s*\(",
            case.below[:4000],
        )
    ):
        return None
    return case.but(TABLE=table[1])


def unbounded_orm(case: Case) -> Case | None:
    """The same for Prisma, Drizzle and Mongoose."""
    match, source = case.match, case.source
    chain = match.text + source.chain_after(match.end_line, match.end_column)
    if re.search(
        r"\btake\s*:|\blimit\s*:|\.\s*(limit|countDocuments|where|cursor|lean_only)\s*\(", chain
    ):
        return None
    arguments = match.text.rpartition("(")[2] if "findMany" not in match.text else match.text
    if "where" in arguments or re.search(r"\.find\(\s*\{\s*\S", match.text):
        return None
    return case.but(TABLE=last_name(case.name("TABLE")) or case.name("TABLE"))


def unbounded_sql(case: Case) -> Case | None:
    text = case.match.text
    table = re.search(r"\bfrom\s+[\"`\\]*([a-z_][\w.]*)", text, re.I)
    if not table or not re.match(r"\s*(\w[\w.]*)?\s*[`\"'(]*\s*select\b", text, re.I | re.S):
        return None
    if re.search(
        r"\b(limit|where|count|sum|fetch\s+first|exists|group\s+by|max|now)\b", text, re.I
    ):
        return None
    if table[1].lower().startswith(("information_schema", "pg_", "sqlite_")):
        return None
    return case.but(TABLE=table[1])


_QUERY = re.compile(
    r"\.from\(|supabase|prisma\.|\bdb\.|storage\.|\.(find|findOne|findById|findUnique|findFirst|findMany|"
    r"insertOne|updateOne|query|execute|save|rpc|invoke)\(|\bsql`|\bfetch\(|axios|\.functions\.",
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
        re.I,
    ):
        return None
    return case if case.source.is_server or not case.source.is_tooling else None


_WRITE = re.compile(
    r"\.from\(\s*[\"'`](?P<supabase>[\w.]+)[\"'`]\s*(?:as any)?\)\s*\.(?:insert|update|upsert|delete)\("
    r"|\binsert\s+into\s+[\"`]?(?P<insert>[\w.]+)|\bupdate\s+[\"`]?(?P<update>[\w.]+)[\"`]?\s+set\b"
    r"|\bdelete\s+from\s+[\"`]?(?P<delete>[\w.]+)"
    r"|\bprisma\.(?P<prisma>\w+)\.(?:create|update|delete|upsert)\w*\("
    r"|\bdb\s*\.(?:insert|update|delete)\(\s*(?P<drizzle>\w+)"
    r"|\bstorage\.(?P<storage>(?:create|update|delete)\w+)\(",
    re.I,
)
_ATOMIC = re.compile(
    r"\btransaction\b|\$transaction|\bBEGIN\b|\bsql\.begin|\.rpc\(|withTransaction|\btx\b|trx"
)


def several_writes(case: Case) -> Case | None:
    """Writes to several tables that must go together, one by one."""
    body = case.around
    if _ATOMIC.search(body):
        return None
    tables: list[str] = []
    for found in _WRITE.finditer(body):
        name = next(value for value in found.groupdict().values() if value)
        if name not in tables and not re.search(
            r"log|audit|notification|activity|event|history", name, re.I
        ):
            tables.append(name)
    if len(tables) < 2 or (_WRITE.search(case.above) and case.match.line):
        return None
    moved = (
        re.search(r"insert", case.match.text[:400], re.I)
        and re.search(r"for\s*\(|\.map\(|forEach", case.above[-900:])
        and re.search(r"delete\s+from|\.delete\(", case.below, re.I)
    )
    severity = Severity.HIGH if moved and case.source.is_server else None
    return case.but(severity=severity, TABLES=", ".join(tables[:4]))


_COUNTED = re.compile(
    r"balance|stock|credit|quantity|wallet|points|inventory|amount|fund|seats|spent", re.I
)


def read_modify_write(case: Case) -> Case | None:
    """A new value computed from one that was read before: two at once, and one is lost."""
    found = re.match(r"[\"']?(\w+)[\"']?\s*:\s*(.*)$", case.match.text, re.S)
    if not found or re.search(r"[\"'`]", found[2]) or "sql`" in found[2]:
        return None
    name, value = found[1], found[2]
    if not re.search(rf"\.{re.escape(name)}\b|\b(current|old|prev|existing|new)\w*\b", value, re.I):
        return None
    if not re.search(rf"\.{re.escape(name)}\b", value) and not _COUNTED.search(name):
        return None
    before = case.source.between(max(1, case.match.line - 6), case.match.line)
    opened = re.search(
        r"\.(update|set|findByIdAndUpdate|upsert)\(\s*(?:\w+,\s*)?\{[^}]*$|data:\s*\{[^}]*$", before
    )
    if not opened or re.search(r"set\w*\(\s*\(?prev|useState", before):
        return None
    return case.but(severity=None if _COUNTED.search(name) else Severity.LOW, NAME=name)


_GET_WRITES = re.compile(
    r"\bdelete\s+from\b|\binsert\s+into\b|\bupdate\s+\w+\s+set\b|(?:from\([^)]*\)\s*|prisma\.\w+|\bdb)\s*"
    r"\.(?:insert|update|delete|upsert|create)\w*\(|await\s+(?:\w+\.)?(?:archive|delete|remove|purge|move)[A-Z]\w*\(",
    re.I,
)
_GET_MAY = re.compile(
    r"callback|auth/|cron|webhook|unsubscribe|verify|confirm|logout|track|view|open|click", re.I
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
        re.I,
    ):
        return None
    return case.but(
        severity=Severity.HIGH
        if re.search(r"delete|archive|purge|remove", found[0], re.I)
        else None,
        WHAT=" ".join(found[0].split()),
    )


_MONEY = re.compile(
    r"\b(price|amount|total|subtotal|cost|balance|fee|salary|wage|revenue|discount|tax|payment|budget|"
    r"fare|freight|income|expense|profit|paid|commission|deposit|refund|tip|rent|donation|rate|"
    r"valor|preco|precio|monto|custo|saldo|harga|biaya|cash)s?\b"
)
_NO_MONEY = re.compile(
    r"\b(id|count|pages|page|items|users|time|index|percent|percentage|tax rate|hours|days|at|date|limit)\b"
)


def money_name(case: Case) -> Case | None:
    """Its value, or where it goes, is called like money."""
    source, line = case.source, case.match.line
    before = source.line(line)[: case.match.column] if case.match.column else ""
    key = re.search(r"([\w$]+)\s*[:=]\s*[^:=,]*$", before)
    for candidate in (case.name("VALUE"), key[1] if key else ""):
        name = words(last_name(candidate))
        if _MONEY.search(name) and not _NO_MONEY.search(name):
            return case.but(NAME=last_name(candidate))
    return None


def mongoose_money(case: Case) -> Case | None:
    if "mongoose" not in case.source.text:
        return None
    name = words(case.name("KEY"))
    return (
        case.but(NAME=case.name("KEY"))
        if _MONEY.search(name) and not _NO_MONEY.search(name)
        else None
    )


def local_day(case: Case) -> Case | None:
    """A day cut out of UTC, where somebody means their own."""
    line = case.source.line(case.match.line)
    if re.search(r"\.(csv|pdf|xlsx|json|zip|txt|png)\b|download|filename|fileName", line):
        return None
    return None if re.search(r"Date\.UTC|T00:00|utc", line, re.I) else case


def swallowed(case: Case) -> Case | None:
    """Nothing happens in a catch; worse where something was written or paid."""
    if not case.match.end_line:
        return None
    tried = case.source.between(max(1, case.match.line - 25), case.match.line)
    body = tried.rpartition("try")[2]
    if re.search(
        r"localStorage|sessionStorage|JSON\.parse|releasePointer|\.play\(|clipboard|new URL|\.close\(|\.abort",
        body,
    ):
        return None
    writes = re.search(
        r"\.(insert|update|upsert|delete|post|put|rpc|create)\(|method:\s*['\"](POST|PUT|DELETE)",
        body,
    )
    return case.but(severity=Severity.MEDIUM) if writes else case


def success_after_failure(case: Case) -> Case | None:
    """The handler answers a failure with an empty list or success."""
    if not case.source.is_server:
        return None
    text = case.match.text
    if re.search(
        r"\bthrow\b|status\(\s*[45]|status:\s*[45]|success:\s*false|error\s*:|\bok:\s*false|redirect",
        text,
    ):
        return None
    found = re.search(
        r"(?:Response\.json|res\.json|res\.send|c\.json|NextResponse\.json)\(\s*(\[\s*\]|\{\s*\}|null|"
        r"\{\s*(?:success|ok|received)\s*:\s*true[^}]*\}|\{\s*\w+\s*:\s*\[\s*\]\s*,?\s*\})\s*\)",
        text,
    )
    if not found:
        return None
    line = case.match.line + text.count("\n", 0, found.start())
    return case.but(line=line, WHAT=found[1])


def ignored_write_error(case: Case) -> Case | None:
    """A write failed, that was logged, and the work goes on as if it had not."""
    if re.search(
        r"\b(return|throw|reject|continue|break|push|set\w+\(|toast|alert|errors?\.|status|=(?!=))",
        case.name("BODY"),
    ):
        return None
    name = re.escape(case.name("ERROR"))
    source = case.source
    declared = re.compile(
        rf"(?:\berror\s*:\s*{name}\b|\{{[^}}]*\b{name}\b[^}}]*\}})\s*\}}?\s*=\s*await([^;]*?)$",
        re.S,
    )
    above = source.between(max(1, case.match.line - 30), case.match.line - 1).rstrip().rstrip(";")
    start = max(
        above.rfind(f"error: {case.name('ERROR')}"), above.rfind(f"{{ {case.name('ERROR')} }}")
    )
    if start < 0 or (tail := above[start:]) is None:
        return None
    del declared
    written = re.search(r"\.(insert|update|upsert|delete|rpc)\(\s*[\"'`]?(\w*)", tail)
    if not written or re.search(r"log|audit|notif|activity|analytic|cleanup", tail, re.I):
        return None
    paid = re.search(r"webhook|payment|stripe|checkout|payout|wallet", source.path, re.I)
    severity = Severity.HIGH if paid and source.is_server else None
    table = re.search(r"\.from\(\s*[\"'`](\w+)|\.rpc\(\s*[\"'`](\w+)", tail)
    return case.but(severity=severity, WHAT=(table[1] or table[2]) if table else written[1])


_INTERNAL = re.compile(r"\b(\w*[eE]rr(?:or)?|e|ex|exception)\.(stack)\b")


def leaks_internals(case: Case) -> Case | None:
    """Text of an exception goes to the caller."""
    if not case.source.is_server:
        return None
    text = case.match.text
    found = re.search(
        r"\b(\w*[eE]rr(?:or)?|e|ex)(?:\s+as\s+\w+\)?)?\??\.(stack|message)\b|String\(\s*e\w*\)",
        text,
    )
    if not found or "validation" in found[0].lower():
        return None
    if not re.search(r"\b50\d\b|status\W+(?!4\d\d)|catch", text) and "stack" not in found[0]:
        return None
    return case.but(severity=Severity.MEDIUM if _INTERNAL.search(text) else None, WHAT=found[0])


_MAY_CHOOSE = re.compile(
    r"donat|\btip\b|top_?-?up|deposit|wallet|credit|fund|budget|gift|contribut|payout|transfer",
    re.I,
)


def client_price(case: Case) -> Case | None:
    """What is charged comes from the caller."""
    for found in re.finditer(
        r"\b(unit_amount|unit_price|amount|value|price|transaction_amount)\s*(?::\s*([^,\n}]+))?[,\n}]",
        case.match.text,
    ):
        expression = (found[2] or found[1]).strip()
        inner = re.sub(
            r"Math\.\w+\(|Number\(|parseFloat\(|parseInt\(|String\(", "", expression
        ).lstrip("( ")
        if not from_request(case, inner) and not re.search(r"\bitem\.\w*[pP]rice", inner):
            continue
        if re.search(r"\bitem\.\w*[pP]rice", inner) and not re.search(
            r"\{[^}=]*\b(items|cart|cartItems|products)\b[^}=]*\}\s*(?::[^=]+)?=\s*(await\s+)?(req|request)\.",
            case.above,
        ):
            continue
        if _MAY_CHOOSE.search(case.source.path + case.source.symbol(case.match.line)):
            return None
        return case.but(WHAT=inner)
    return None


_COUNTS_TWICE = re.compile(
    r"\.insert\(|increment|\.rpc\(|insert\s+into|\$inc|balance|\+\s*amount|create\w*\(", re.I
)
_GIVES = re.compile(
    r"\.run\(|\.(update|create|mark|activate|set)\w*\(|await\s+(mark|activate|rent|grant|set)\w*\("
)
_BOUGHT = re.compile(r"metadata|client_reference_id|already|processed|alreadyUsed")
_ONCE = re.compile(
    r"event\.id|eventId|event_id|idempot|already|processed|onConflict|on conflict|upsert|existing|"
    r"\.eq\(\s*[\"'`](stripe_|payment_intent|session_id|payment_id|transaction_id|external)",
    re.I,
)


def counted_twice(case: Case) -> Case | None:
    """Stripe delivers an event more than once; this counts each delivery."""
    text = case.source.text
    if "constructEvent" not in text and "webhook" not in case.source.path.lower():
        return None
    below = case.below[:4000]
    branch = re.split(r"\bcase\s+[\"']|\bbreak\b", below)[0]
    if not _COUNTS_TWICE.search(branch) or _ONCE.search(text):
        return None
    return case


def replayed_session(case: Case) -> Case | None:
    """A paid checkout session buys whatever the address says."""
    if not case.source.is_server or not from_request(case, case.name("ID")):
        return None
    below = re.sub(r"[\"'`][^\"'`\n]*[\"'`]", "", case.below)
    checked = re.search(r"payment_status|\.status\b", below)
    if not checked or not (_WRITE.search(case.below) or _GIVES.search(below)):
        return None
    return None if _BOUGHT.search(below) else case


def card_on_server(case: Case) -> Case | None:
    return case.but(WHAT=last_name(case.name("VALUE"))) if case.source.is_server else None


def server_fetch(case: Case) -> Case | None:
    """A request to another service that may wait for ever."""
    if not case.source.is_server:
        return None
    near = case.source.between(max(1, case.match.line - 12), case.match.end_line + 3)
    return None if re.search(r"signal|AbortController|timeout", near) else case


JUDGES: dict[str, Judge] = {
    "unbounded-select": unbounded_select,
    "unbounded-orm": unbounded_orm,
    "unbounded-sql": unbounded_sql,
    "query-in-loop": query_in_loop,
    "several-writes": several_writes,
    "read-modify-write": read_modify_write,
    "writes-in-get": writes_in_get,
    "money-name": money_name,
    "mongoose-money": mongoose_money,
    "local-day": local_day,
    "swallowed": swallowed,
    "success-after-failure": success_after_failure,
    "ignored-write-error": ignored_write_error,
    "leaks-internals": leaks_internals,
    "client-price": client_price,
    "counted-twice": counted_twice,
    "replayed-session": replayed_session,
    "card-on-server": card_on_server,
    "server-fetch": server_fetch,
}
