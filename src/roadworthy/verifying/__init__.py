"""What CI will run, run before and after: what worked must still work.

It runs the prototype's own code, and so only with consent; in copies, in a scratch folder, without
the user's environment, for a limited time, and held by the machine to what it can be held to.
"""

from .after import verify_after
from .before import Subject, verify_before
from .model import Containment, Regression, State, Step, Verification, compare
from .own import as_answer, own_checks
from .workplace import Workplace, workplace

__all__ = [
    "Containment",
    "Regression",
    "State",
    "Step",
    "Subject",
    "Verification",
    "Workplace",
    "as_answer",
    "compare",
    "own_checks",
    "verify_after",
    "verify_before",
    "workplace",
]
