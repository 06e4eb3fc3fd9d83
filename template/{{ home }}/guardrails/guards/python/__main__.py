"""`python -m guardrails.guards.python --root DIR` prints SARIF."""

import sys

from ...engine.guard import main
from . import look

if __name__ == "__main__":
    sys.exit(main("python", look))
