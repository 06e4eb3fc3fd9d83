"""What was found out about a tree, as one value: everything downstream reads only that."""

from .faults import Fault, beside, faults_of, listed, steps
from .guardrails import Progress, catalogue
from .levels import LEVELS
from .model import (
    Action,
    AreaLevel,
    Gap,
    Gate,
    Issue,
    Place,
    Rule,
    Severity,
    State,
)
from .run import Wanted, inspect, reread
from .whole import Change, Inspection

__all__ = [
    "LEVELS",
    "Action",
    "AreaLevel",
    "Change",
    "Fault",
    "Gap",
    "Gate",
    "Inspection",
    "Issue",
    "Place",
    "Progress",
    "Rule",
    "Severity",
    "State",
    "Wanted",
    "beside",
    "catalogue",
    "faults_of",
    "inspect",
    "listed",
    "reread",
    "steps",
]
