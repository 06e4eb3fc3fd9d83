"""Judges of filters for PostgREST that are put together as text."""

from ...engine import regex as re
from .case import Case, Judge, interpolations

_OWN = re.compile(
    r"(^|\.)(\w*(id|Id|ID|uuid|Uuid)s?|uid|now|today|\w*(Date|Time|Iso|ISO|date|At|Start|End|_at"
    r"|start|end)|"
    r"from|to|page|limit|offset|i|cutoff|tomorrow|yesterday|\w*[cC]ount)$"
)


def filter_interpolation(case: Case) -> Case | None:
    """Text in a PostgREST filter, where a comma or bracket begins another condition."""
    text = case.name("FILTER") or case.match.text
    if not re.search(r"\.(eq|ilike|like|cs|in|neq|gt|lt|gte|lte|fts|wfts|is|ov|cd)\.", text):
        return None
    for _, value in interpolations(text):
        if not _filter_value_safe(case, value):
            before = case.match.text.rpartition(text)[0]
            return case.but(line=case.match.line + before.count("\n"), VALUE=value)
    return None


_FILTER_TEXT = re.compile(r"`[^`]*\.(?:eq|ilike|like|cs|in|neq|fts|wfts)\.[^`]*`")
_EACH_OF = re.compile(r"([\w$]+)\.map\(")


def filter_made_before(case: Case) -> Case | None:
    """`const wanted = words.map((w) => `name.ilike.%${w}%`).join(",")`, and then `.or(wanted)`."""
    made = case.source.definition(case.name("NAMED").strip(), case.match.line)
    text = _FILTER_TEXT.search(made)
    if text is None:
        return None
    each = _EACH_OF.search(made)
    if each and ".split(" not in case.source.definition(each[1], case.match.line):
        return None  # of a list of one's own, nobody chose the words
    for _, value in interpolations(text[0]):
        if not _filter_value_safe(case, value):
            return case.but(VALUE=value)
    return None


def _filter_value_safe(case: Case, value: str) -> bool:
    if re.search(r"replace\(|encode|escape|sanit|toISOString|Number\(|\.join\(|format\(", value):
        return True
    if re.fullmatch(r"[\w$]+", value):
        definition = case.source.definition(value, case.match.line)
        if re.search(r"replace\(|escape|sanit|toISOString|Number\(|parseInt|\.join\(", definition):
            return True
    own = _OWN.search(re.sub(r"[!?]", "", value).strip()) is not None
    return own and not (case.source.is_server and _picked_out(case, value))


_PICKED_OUT = re.compile(r"searchParams|\.(?:query|body|params)\b|\breq(?:uest)?\.json\(")
_FORM = re.compile(r"uuid|safeParse|isUUID|isUuid|validate", re.IGNORECASE)


def _picked_out(case: Case, value: str) -> bool:
    """An id that a server takes out of the request is whatever text stands there."""
    if not re.fullmatch(r"[\w$]+", value):
        return False
    definition = case.source.definition(value, case.match.line)
    return _PICKED_OUT.search(definition) is not None and _FORM.search(case.above) is None


JUDGES: dict[str, Judge] = {
    "filter-interpolation": filter_interpolation,
    "filter-made-before": filter_made_before,
}
