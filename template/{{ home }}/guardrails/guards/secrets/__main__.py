"""Run the guard: `python -m guardrails.guards.secrets`."""

import sys

from ...engine.guard import main
from . import look

if __name__ == "__main__":
    sys.exit(main("secrets", look))
