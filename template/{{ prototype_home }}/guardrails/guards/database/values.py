"""Values that a column takes: by its type, its name, and the checks that mention it."""

import re
from collections.abc import Iterator, Sequence
from uuid import NAMESPACE_URL, uuid5

from .relations import Column, Table
from .sensitivity import words

# The first that a regular expression accepts is taken.
SAMPLES = (
    "somebody@example.test", "+15550100", "+15550100123", "5550100123", "some-slug", "AB12CD",
    "#aabbcc", "https://example.test/a", "12:30", "2026-01-15", "2026-01", "123456", "1234", "12",
    "12345678901", "123.456.789-09", "12345-678", "12.345.678/0001-90", "US", "usd", "USD", "en",
    "en-US", "a", "A", "Abc", "abcdef12", "1.0.0", "192.0.2.1", "AAA-0001", "ABC1234", "abc",
    "0123456789abcdef0123456789abcdef", "f" * 64, "Europe/Berlin", "ABC123DEF456", "12345", "1",
)  # fmt: skip
MIGHTY = re.compile(r"admin|owner|super|root|staff|manager|gestor|chef|dono", re.IGNORECASE)

_BY_TYPE = {
    "bool": "false",
    "date": "2026-01-15",
    "time": "12:00",
    "timetz": "12:00+00",
    "interval": "1 hour",
    "json": "{}",
    "jsonb": "{}",
    "bytea": "",
    "inet": "192.0.2.1",
    "cidr": "192.0.2.0/24",
    "macaddr": "08:00:2b:01:02:03",
    "point": "(1,1)",
    "money": "1",
    "xml": "<a/>",
    "geometry": "POINT(1 1)",
    "geography": "POINT(1 1)",
    "ltree": "a",
    "hstore": "",
    "tsvector": "",
}
_BY_NAME = (
    (re.compile(r"e_?mail|correo|courriel"), "{mark}-{n}@example.test"),
    (re.compile(r"phone|telefon|whatsapp|mobile|celular|^tel$"), "+1555{code:07d}"),
    (re.compile(r"url|link|image|avatar|logo|website"), "https://example.test/{mark}-{n}"),
    (re.compile(r"slug|subdomain|handle|username"), "{mark}-{n}"),
    (re.compile(r"currency|moeda|moneda"), "USD"),
    (re.compile(r"country"), "US"),
    (re.compile(r"time_?zone"), "UTC"),
    (re.compile(r"colou?r"), "#aabbcc"),
)


def candidates(table: Table, column: Column, mark: str, n: int) -> list[str]:
    """Values to try, the likeliest first."""
    mentioning = [text for _, text in table.checks if mentions(text, column.name)]
    found = [value for text in mentioning for value in _from_check(text, column, mark, n)]
    found = [*_within(table, column), *found]
    found = [*_modest(column.labels), *found] if column.category != "A" else found
    found.append(plain(table, column, mark, n))
    if column.category == "D":
        # For checks of an order: an end after its beginning.
        found += (
            ["2027-01-15", "2025-01-15"]
            if column.base not in {"time", "timetz"}
            else ["13:00", "11:00"]
        )
    return list(dict.fromkeys(found))


def _within(table: Table, column: Column) -> Iterator[str]:
    """What one of its partitions takes: the first value of a list, or where a range begins."""
    if table.parted_by[:1] == (column.name,):
        for bound in table.bounds:
            if begun := re.match(
                r"FOR VALUES (?:FROM|IN) \((?:'((?:[^']|'')*)'|(-?[\d.]+))", bound
            ):
                yield (begun[1] or begun[2] or "").replace("''", "'")


def mentions(check: str, column: str) -> bool:
    return re.search(rf"(?<![\w'])\"?{re.escape(column)}\"?(?![\w'])", check) is not None


def plain(table: Table, column: Column, mark: str, n: int) -> str:
    """A value by type and name alone."""
    if column.base == "uuid" and column.category != "A":
        return str(uuid5(NAMESPACE_URL, f"{table.schema}.{table.name}.{column.name}.{mark}.{n}"))
    if column.base == "vector":
        size = re.search(r"\((\d+)\)", column.type)
        return f"[{','.join(['0.1'] * int(size[1] if size else 3))}]"
    if column.category == "R":
        return f"[{n},{n + 1})" if re.search("int|num", column.base) else "empty"
    by_category = {"A": "{}", "N": str(n), "S": _text(column, mark, n)}
    moment = f"2026-01-15 12:{n % 60:02d}:00"
    by_type = _BY_TYPE | {"timestamp": moment, "timestamptz": moment}
    return by_category.get(column.category) or by_type.get(column.base, "")


def _text(column: Column, mark: str, n: int) -> str:
    name = words(column.name)
    form = next((form for known, form in _BY_NAME if known.search(name)), "{mark} {name} {n}")
    text = form.format(mark=mark, name=name, n=n, code=sum(map(ord, mark)) * 100 + n)
    return text if column.length is None else text[-column.length :]


def _modest(labels: Sequence[str]) -> list[str]:
    """The labels, those last that would make somebody mighty."""
    return sorted(labels, key=lambda label: bool(MIGHTY.search(label)))


def _from_check(text: str, column: Column, mark: str, n: int) -> Iterator[str]:
    quoted = re.escape(column.name)
    at = rf"\(*\"?{quoted}\"?\)*(?:::[a-z ]+(?:\(\d+\))?)?\)*"
    listed = re.search(rf"{at} = ANY \(+(?:ARRAY\[)(.*?)\]", text)
    if listed:
        yield from _modest(_literals(listed[1]))
    yield from _literals("".join(re.findall(rf"{at} = ('(?:[^']|'')*')", text)))
    for pattern in re.findall(rf"{at} ~\*? '((?:[^']|'')*)'", text):
        yield from _matching(pattern.replace("''", "'"), plain_text=f"{mark}-{n}")
    for bound in re.findall(rf"length\({at}\)*\s*(?:>=|<=|=|>|<)\s*(\d+)", text):
        yield from _long(int(bound), mark, n)
    if column.category == "N":
        yield from _near(re.findall(rf"{at}\s*(?:>=|<=|=|>|<)\s*\(*'?(-?[\d.]+)", text), column)


def _literals(text: str) -> list[str]:
    return [value.replace("''", "'") for value in re.findall(r"'((?:[^']|'')*)'", text)]


def _matching(pattern: str, plain_text: str) -> Iterator[str]:
    try:
        known = re.compile(pattern[:500])
    except re.error:
        return
    yield from (sample for sample in (plain_text, *SAMPLES) if known.search(sample))


def _long(bound: int, mark: str, n: int) -> Iterator[str]:
    for size in (bound, bound + 1, bound - 1):
        if 0 < size <= 10_000:
            yield f"{n}{mark}{'1' * size}"[:size]


def _near(bounds: Sequence[str], column: Column) -> Iterator[str]:
    for bound in bounds:
        value = float(bound)
        for near in (value, value + 1, value - 1, value + 0.5):
            whole = near == int(near)
            if whole or "int" not in column.base:
                yield str(int(near)) if whole else str(near)
