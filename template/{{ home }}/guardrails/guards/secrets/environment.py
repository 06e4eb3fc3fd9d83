"""Env files that are tracked, and the example that a newcomer needs."""

from collections.abc import Iterator, Mapping

from ...engine import regex as re
from ...engine.finding import Evidence, Finding, Place, Severity
from ...engine.tree import Tree
from ..filenames import is_test
from .assignments import PUBLIC_PREFIX, assignments, holds_secret
from .places import is_env_file, is_example, worth_reading
from .values import is_placeholder

_READS = re.compile(
    r"(?:process\.env\.|import\.meta\.env\.|Deno\.env\.get\(\s*[\"']|os\.getenv\(\s*[\"']"
    r"|os\.environ(?:\.get\(|\[)\s*[\"'])([A-Z][A-Z0-9_]{2,})"
)
_BUILT_IN = {"NODE_ENV", "PORT", "MODE", "DEV", "PROD", "BASE_URL", "CI", "HOME", "PATH", "HOST"}
_SOURCES = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".py", ".vue", ".svelte")
_HARMLESS = re.compile(
    r"^(NODE_ENV|PORT|HOST|MODE|LOG_LEVEL|DEBUG|TZ)$|_(URL|PORT|HOST|NAME|ENV|ID|REGION|ORIGINS?)$"
)
_FEWEST = 2
_NAMES = re.compile(r"^\s*(?:export\s+)?[A-Za-z_]\w*\s*=", re.MULTILINE)


def committed(tree: Tree, worst: Mapping[str, Severity]) -> Iterator[Finding]:
    """Tracked env files that are no examples; `worst` is what was found in each file."""
    for path in sorted(tree.tracked or ()):
        if not is_env_file(path) or is_example(path) or not worth_reading(path):
            continue
        text = tree.text(path) or ""
        entries = list(assignments(text))
        if not _NAMES.search(text) or any(
            entry.value.startswith("encrypted:") for entry in entries
        ):
            continue
        found = worst.get(path, Severity.INFO)
        if is_test(path) and found < Severity.HIGH:
            continue
        private = [entry.name for entry in entries if not _is_public(entry.name, entry.value)]
        severity, holds = _judged(found, private)
        yield Finding(
            "env.committed",
            Place(path),
            f"{path} is tracked by git and holds {holds}.",
            severity=severity,
            evidence=Evidence.EXACT,
        )


def _judged(found: Severity, private: list[str]) -> tuple[Severity, str]:
    if found >= Severity.MEDIUM:
        return Severity.MEDIUM, "secrets"
    if private:
        named = ", ".join(private[:3]) + (", …" if len(private) > 3 else "")
        return Severity.MEDIUM, f"values that are not public by design ({named})"
    return Severity.LOW, "public values only, as yet"


def _is_public(name: str, value: str) -> bool:
    if PUBLIC_PREFIX.match(name) or re.search(r"ANON|PUBLISHABLE|PUBLIC", name):
        return True
    if "://" in value and "@" in value:
        return False
    return bool(_HARMLESS.search(name)) or not holds_secret(name) or is_placeholder(value)


def example_missing(tree: Tree) -> Iterator[Finding]:
    """The code reads variables and no file says which."""
    if any(is_example(path) and "env" in path.lower() for path in tree.files):
        return
    names: dict[str, Place] = {}
    for path in tree.ending(*_SOURCES):
        if is_test(path) or not worth_reading(path) or len(names) > 50:
            continue
        text = tree.text(path) or ""
        if ".env" not in text and "environ" not in text and "getenv" not in text:
            continue
        for match in _READS.finditer(text):
            if match[1] not in _BUILT_IN and match[1] not in names:
                names[match[1]] = Place(path, text.count("\n", 0, match.start()) + 1)
    if len(names) >= _FEWEST:
        shown = ", ".join(sorted(names)[:6]) + (", …" if len(names) > 6 else "")
        yield Finding(
            "env.example-missing",
            next(iter(names.values())),
            f"The code reads {len(names)} variables ({shown}) and no .env.example lists them.",
            evidence=Evidence.EXACT,
        )
