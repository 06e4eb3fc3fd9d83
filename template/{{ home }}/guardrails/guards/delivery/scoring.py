"""How bad an OSV advisory is: by the word it carries, else by its CVSS 3 vector."""

from collections.abc import Mapping
from typing import Any

from ...engine.finding import Severity

_WORDS = {
    "LOW": Severity.LOW,
    "MODERATE": Severity.MEDIUM,
    "MEDIUM": Severity.MEDIUM,
    "HIGH": Severity.HIGH,
    "IMPORTANT": Severity.HIGH,
    "CRITICAL": Severity.CRITICAL,
}
_SCORES = (
    (9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW),
)  # fmt: skip
_VALUES: Mapping[str, Mapping[str, float]] = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0},
    "I": {"H": 0.56, "L": 0.22, "N": 0},
    "A": {"H": 0.56, "L": 0.22, "N": 0},
}
_RIGHTS = {
    "U": {"N": 0.85, "L": 0.62, "H": 0.27},
    "C": {"N": 0.85, "L": 0.68, "H": 0.5},
}
_MALICIOUS = "MAL-"


def rated(advisory: Mapping[str, Any]) -> Severity | None:
    """None where it says nothing that can be read: CVSS 4 without a word beside it, mostly."""
    if str(advisory.get("id", "")).startswith(_MALICIOUS):
        return Severity.CRITICAL
    about = [advisory.get("database_specific")]
    affected = advisory.get("affected")
    for entry in affected if isinstance(affected, list) else ():
        if isinstance(entry, dict):
            about += [entry.get("database_specific"), entry.get("ecosystem_specific")]
    words = [
        str(it["severity"]).upper() for it in about if isinstance(it, dict) and "severity" in it
    ]
    known = [_WORDS[word] for word in words if word in _WORDS]
    return max(known) if known else _scored(advisory.get("severity"))


def _scored(listed: Any) -> Severity | None:
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict) and entry.get("type") == "CVSS_V3":
            score = base_score(str(entry.get("score", "")))
            return next((severity for least, severity in _SCORES if (score or 0) >= least), None)
    return None


def base_score(vector: str) -> float | None:
    """The base score of a CVSS 3.x vector, as its specification (7.1) has it."""
    metrics = dict(part.split(":", 1) for part in vector.split("/") if ":" in part)
    try:
        value = {name: values[metrics[name]] for name, values in _VALUES.items()}
        rights = _RIGHTS[metrics["S"]][metrics["PR"]]
    except KeyError:
        return None
    lost = 1 - (1 - value["C"]) * (1 - value["I"]) * (1 - value["A"])
    changed = metrics["S"] == "C"
    impact = 7.52 * (lost - 0.029) - 3.25 * (lost - 0.02) ** 15 if changed else 6.42 * lost
    if impact <= 0:
        return 0.0
    reach = 8.22 * value["AV"] * value["AC"] * rights * value["UI"]
    return _rounded_up(min((1.08 if changed else 1) * (impact + reach), 10))


def _rounded_up(score: float) -> float:
    whole = round(score * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10
