"""A real PostgreSQL for development, tests and inspections, without an install: not for production.

    python -m guardrails.postgres run -- pytest                       # a throwaway server
    python -m guardrails.postgres run --data .postgres -- COMMAND     # a server that keeps its data

It knows nothing of the service: binaries in, a URL out.
"""

from .binaries import Binaries, find_binaries
from .errors import PostgresError
from .server import PostgresServer, temporary_server

__all__ = ["Binaries", "PostgresError", "PostgresServer", "find_binaries", "temporary_server"]
