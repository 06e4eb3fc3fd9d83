"""The guardrails that are fitted: what each brings, and whether a prototype has it already."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from roadworthy.inspection import Inspection, State
from roadworthy.stack import Stack

from .candidates import OTHER_ENGINES


class Standing(StrEnum):
    """How a guardrail stands before the adoption."""

    PRESENT = "present already"
    ADDABLE = "is added"
    DECLINED = "declined"
    DECISION = "needs a decision"
    MOOT = "not needed"


@dataclass(frozen=True)
class Guardrail:
    """`area` is the area of the inspection whose gates say whether it is there already."""

    name: str
    title: str
    brings: str
    area: str


GUARDRAILS = (
    Guardrail(
        "secrets",
        "Secrets",
        ".env leaves version control, .env.example takes its place, and new ones are refused",
        "secrets",
    ),
    Guardrail(
        "boundaries",
        "Boundaries",
        "the imports that are in order today stay so; what is not is in the baseline",
        "architecture",
    ),
    Guardrail(
        "auth",
        "Auth",
        "a service before the prototype that knows who calls, with a gate that first only reports",
        "auth and access",
    ),
    Guardrail(
        "migrations",
        "Migrations",
        "every migration is replayed, and who may do what to which table is held to a lock file",
        "data and migrations",
    ),
    Guardrail(
        "observability",
        "Logging and tracing",
        "every call is logged and traced, on into the prototype",
        "observability",
    ),
    Guardrail(
        "ci",
        "CI and pre-commit",
        "its own build, type check and tests, and the guardrails, on every change",
        "delivery",
    ),
    Guardrail(
        "backups",
        "Backups",
        "encrypted, verified, and their restore drilled",
        "backups",
    ),
)
NAMES = tuple(guardrail.name for guardrail in GUARDRAILS)


@dataclass(frozen=True)
class Proposal:
    """A guardrail as the plan shows it, and why it stands so."""

    guardrail: Guardrail
    standing: Standing
    why: str = ""


_OWN_TABLES = "a first migration that makes the tables of today, where nothing makes them yet"
_NO_TABLES = "it has no database with migrations that could be replayed"
_OUT_OF_REACH = (*OTHER_ENGINES, "Firebase")


def standings(
    inspection: Inspection, answers: Mapping[str, Any], fitted: tuple[str, ...]
) -> list[Proposal]:
    """How each guardrail stands: `fitted` are those of an earlier adoption."""
    return [_standing(guardrail, inspection, answers, fitted) for guardrail in GUARDRAILS]


def _standing(
    guardrail: Guardrail,
    inspection: Inspection,
    answers: Mapping[str, Any],
    fitted: tuple[str, ...],
) -> Proposal:
    if guardrail.name in fitted:
        return Proposal(guardrail, Standing.PRESENT, "fitted by an earlier adoption")
    if guardrail.name not in answers["guardrails"]:
        if answers["kind"] == "streamlit" and guardrail.name not in {"ci", "secrets"}:
            why = "a Streamlit app gets the guardrails of delivery; ask for more with --only"
            return Proposal(guardrail, Standing.DECISION, why)
        return Proposal(guardrail, Standing.DECLINED, "offered again by the next adoption")
    return _added(guardrail, inspection, answers)


def _added(guardrail: Guardrail, inspection: Inspection, answers: Mapping[str, Any]) -> Proposal:
    if guardrail.name == "migrations" and answers["database"] != "supabase":
        moot = answers["database"] == "none"
        standing = Standing.MOOT if moot else Standing.ADDABLE
        return Proposal(guardrail, standing, _NO_TABLES if moot else _OWN_TABLES)
    if guardrail.name == "backups" and (left := out_of_reach(inspection.stack)):
        why = f"{guardrail.brings}; not of {' and '.join(left)}, which other tools must back up"
        return Proposal(guardrail, Standing.ADDABLE, why)
    level = next((it for it in inspection.areas if it.area == guardrail.area), None)
    if level is not None and level.state is State.PASS:
        return Proposal(guardrail, Standing.ADDABLE, "its gates hold today, and are kept so")
    return Proposal(guardrail, Standing.ADDABLE)


def out_of_reach(stack: Stack) -> list[str]:
    """The databases of the prototype that no guardrail replays or backs up."""
    return [name for name in stack.names("database") if name in _OUT_OF_REACH]
