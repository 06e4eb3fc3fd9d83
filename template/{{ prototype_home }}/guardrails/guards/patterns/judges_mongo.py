"""Judges of MongoDB: what the client puts into a query, lists without end, keys without index."""

from ...engine import regex as re
from ...engine.finding import Severity
from .case import Case, Judge, from_request, interpolations

_CHECKED = re.compile(
    r"\bzod\b|\bz\.object|\byup\b|\bjoi\b|(?:express|class)-validator|validators?/|validationResult"
    r"|celebrate|valibot|superstruct|mongo-?sanitize|sanitizeFilter",
    re.IGNORECASE,
)
_PAIR = re.compile(r"(?:^|[{,])\s*['\"]?([A-Za-z_]\w*)['\"]?\s*(?::\s*([\w$.?!]+)\s*)?(?=[,}]|$)")
_CAST = (
    r"\??\.(?:trim|toLowerCase|toString|match|replace|split)\(|typeof\s+{0}|String\(\s*{0}"
    r"|(?:isValid\w*|validator\.\w+)\(\s*{0}"
)


def query_operators(case: Case) -> Case | None:
    """A value of the body goes into a filter as it is: an object there is an operator."""
    query = case.name("QUERY").strip()
    if not _of_mongo(case) or _CHECKED.search(case.source.text) or "where" in query:
        return None
    if query.isidentifier():
        query = _literal(case, query)
    elif not query.startswith("{"):
        return case.but(VALUE=query) if re.fullmatch(r"req\.(?:body|query)", query) else None
    for name, given in _PAIR.findall(query):
        value = (given or name).rstrip("!")
        if _sent_raw(case, value):
            return case.but(VALUE=value)
    return None


def _literal(case: Case, name: str) -> str:
    """All that is put into a filter under its name."""
    made = re.findall(rf"\b{name}\s*=\s*(\{{[^{{}};]*\}})", case.above[-3_000:])
    kept = re.findall(
        rf"\b{name}\.(\w+)\s*=\s*([\w$.]+)\s*;?\s*$", case.above[-3_000:], re.MULTILINE
    )
    return (
        "{" + ",".join([*(one.strip("{}") for one in made), *(f"{k}: {v}" for k, v in kept)]) + "}"
    )


def _sent_raw(case: Case, value: str) -> bool:
    """Of the body or the address, and nothing has made it a text on the way."""
    direct = re.match(r"req(?:uest)?\.(body|query)\.\w", value)
    if direct:
        return _uncast(case, value) and not (direct[1] == "query" and _flat(case))
    if not value.isidentifier():
        return False
    made = re.search(
        rf"(?:const|let|var)\s+(?:{value}\b|\{{[^;=]*?\b{value}\b[^;=]*?\}})\s*=\s*([^;\n]*)",
        case.above,
    )
    sent = made and re.match(r"(?:await\s+)?req(?:uest)?\.(body|query|json\(\))", made[1])
    if not sent or not _uncast(case, value):
        return False
    return sent[1] != "query" or not _flat(case)


def _flat(case: Case) -> bool:
    """Express 5 reads `?a[$ne]=1` as a text named `a[$ne]`, unless it is told otherwise."""
    tree, path = case.source.tree, case.source.path
    above = (
        one
        for one in tree.files
        if one.endswith("package.json") and path.startswith(one.removesuffix("package.json"))
    )
    manifest = tree.text(max(above, key=len, default="")) or ""
    if not re.search(r'"express"\s*:\s*"[\^~>=v ]*5\b', manifest):
        return False
    code = tree.ending(".js", ".ts", ".mjs", ".cjs")
    return not any("query parser" in (tree.text(one) or "") for one in code)


def _uncast(case: Case, value: str) -> bool:
    name = re.escape(value)
    return re.search(name + _CAST.format(name), case.above) is None


def _of_mongo(case: Case) -> bool:
    if re.search(r"mongoose|mongodb", case.source.text):
        return True
    return any(
        re.search(r'"(?:mongoose|mongodb)"\s*:', case.source.tree.text(path) or "")
        for path in case.source.tree.files
        if path.rpartition("/")[2] == "package.json"
    )


def pattern_of_request(case: Case) -> Case | None:
    """What somebody searches for becomes a regular expression."""
    given = case.name("VALUE").strip()
    for value in [one for _, one in interpolations(given)] or [given]:
        plain = re.fullmatch(r"[\w$.?!]+(?:\s+as\s+\w+)?(?:\.(?:trim|toLowerCase)\(\))?", value)
        if plain is None or _escaped(case, value):
            continue
        if from_request(case, value) or _of_the_address(value):
            return case.but(VALUE=value)
    return None


def _escaped(case: Case, value: str) -> bool:
    root = value.partition(".")[0]
    definition = case.source.definition(value, case.match.line) if root == value else ""
    return re.search(r"escape|sanit|replace\(", value + definition, re.IGNORECASE) is not None


def _of_the_address(value: str) -> bool:
    return re.match(r"req(?:uest)?\.(?:query|body|params)\b", value) is not None


_OF_ONE = re.compile(r"req\.user|userId|user\._?id|owner|createdBy|session\.|\$in\b|_id\b")


def unbounded_filter(case: Case) -> Case | None:
    """A filter that may be empty: what it leaves is read, however much it is."""
    match, source = case.match, case.source
    chain = match.text + source.chain_after(match.end_line, match.end_column)
    if re.search(r"\.\s*(?:limit|countDocuments|cursor|paginate)\s*\(|\blimit\s*:", chain):
        return None
    name = case.name("FILTER").strip()
    made = re.search(
        rf"\b(?:let|const|var)\s+{name}\s*(?::[^=]+)?=\s*(\{{[^;]*?\}})\s*;?\s*$",
        case.above,
        re.MULTILINE,
    )
    if made is None or _OF_ONE.search(made[1]):
        return None
    return case.but(TABLE=case.name("TABLE"))


def loads_to_sum(case: Case) -> Case | None:
    """Whole documents are fetched, and only their number or their sum is used."""
    rows, value = case.name("ROWS").strip(), case.name("VALUE")
    if not re.fullmatch(r"\w+", rows) or re.search(r"\.limit\(|\btake\s*:|aggregate", value):
        return None
    counted = re.search(
        rf"\b{rows}\s*\.(?:reduce\(|filter\([^;]*?\)\s*\.(?:length|reduce\())|\b{rows}\.length\b(?!\s*(?:===?|>|<|!))",
        case.below,
    )
    handed = re.search(
        rf"\.(?:json|send)\(\s*{rows}\b|[{{,:]\s*{rows}\s*[,}}\n]|\b{rows}\.(?:map|forEach|push|sort|slice)\(|of\s+{rows}\b",
        case.below,
    )
    return case.but(ROWS=rows) if counted and not handed else None


def reference_without_index(case: Case) -> Case | None:
    """A reference of a Mongoose schema by which rows are looked up, one by one."""
    text, source = case.match.text, case.source
    key = text.partition(":")[0].strip("'\" \n")
    if re.search(r"\b(?:index|unique)\s*:", text) or "Schema(" not in source.text:
        return None
    if not re.search(r"\btype\s*:", text) or re.search(
        rf"\.index\(\s*\{{[^}}]*\b{re.escape(key)}\b", source.text
    ):
        return None
    return case.but(severity=Severity.LOW, NAME=key)


JUDGES: dict[str, Judge] = {
    "query-operators": query_operators,
    "pattern-of-request": pattern_of_request,
    "unbounded-filter": unbounded_filter,
    "loads-to-sum": loads_to_sum,
    "reference-without-index": reference_without_index,
}
