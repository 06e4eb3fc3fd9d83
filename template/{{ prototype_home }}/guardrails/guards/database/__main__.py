"""`python -m guardrails.guards.database --root DIR`: findings as SARIF."""

import sys

from ...engine.guard import main
from .look import look

if __name__ == "__main__":
    sys.exit(main("database", look))
