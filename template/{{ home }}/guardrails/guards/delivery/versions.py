"""Python version specifiers (PEP 440), as much of them as requirements files use."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LINE = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)\s*(\[[^\]]*\])?\s*([^;#@]*)", re.ASCII)
_CLAUSE = re.compile(r"(===?|~=|!=|<=|>=|<|>|\^|~)\s*v?(\d+(?:\.\d+)*)(\.\*)?")


@dataclass(frozen=True)
class Requirement:
    """A package with its clauses (`>=`, `3.1`) and the line that states them."""

    name: str
    clauses: tuple[tuple[str, tuple[int, ...]], ...]
    line: int
    text: str

    @property
    def pin(self) -> tuple[int, ...] | None:
        return next((version for sign, version in self.clauses if sign in {"==", "==="}), None)


def requirements(text: str) -> Iterator[Requirement]:
    """The requirements of a requirements.txt."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith(("#", "-", "http", "git+", ".", "/")):
            found = requirement(line, number)
            if found:
                yield found


def requirement(text: str, line: int = 0) -> Requirement | None:
    match = _LINE.match(text)
    if match is None or "@" in text.partition("#")[0]:
        return None
    clauses = tuple(
        (sign, tuple(int(part) for part in version.split(".")[:6]))
        for sign, version, star in _CLAUSE.findall(match[3])
        if not star and len(version) < 60
    )
    return Requirement(re.sub(r"[-_.]+", "-", match[1]).lower(), clauses, line, text.strip())


def admits(other: Requirement, pin: tuple[int, ...]) -> bool:
    """Whether the other's clauses let the pinned version in."""
    return all(_holds(sign, pin, version) for sign, version in other.clauses)


def _holds(sign: str, pin: tuple[int, ...], version: tuple[int, ...]) -> bool:
    width = max(len(pin), len(version))
    left, right = (part + (0,) * (width - len(part)) for part in (pin, version))
    if sign in {"~=", "^", "~"}:
        kept = 1 if sign == "^" else max(len(version) - 1, 1)
        return left >= right and pin[:kept] == version[:kept]
    return {
        "==": left == right, "===": left == right, "!=": left != right,
        ">=": left >= right, "<=": left <= right, ">": left > right, "<": left < right,
    }[sign]  # fmt: skip
