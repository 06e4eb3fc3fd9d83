"""Run the guard: `python -m guardrails.guards.routes`."""

import sys

from ...engine.guard import main
from . import look

if __name__ == "__main__":
    sys.exit(main("routes", look))
