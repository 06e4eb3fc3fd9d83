"""`python -m guardrails.guards.patterns`: see the package."""

import sys

from ...engine.guard import main
from . import look

if __name__ == "__main__":
    sys.exit(main("patterns", look))
