"""From an inspection to the answers of an adoption. Nothing here writes."""

from .candidates import PYTHON_KINDS, Candidate, candidates
from .choosing import Choice, choose, earlier_adoption
from .found import found_answers
from .guardrails import GUARDRAILS, NAMES, Guardrail, Proposal, Standing, out_of_reach, standings
from .kept import kept_paths

__all__ = [
    "GUARDRAILS",
    "NAMES",
    "PYTHON_KINDS",
    "Candidate",
    "Choice",
    "Guardrail",
    "Proposal",
    "Standing",
    "candidates",
    "choose",
    "earlier_adoption",
    "found_answers",
    "kept_paths",
    "out_of_reach",
    "standings",
]
