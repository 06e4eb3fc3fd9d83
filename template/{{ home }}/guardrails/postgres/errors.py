"""The one error that the driver raises."""


class PostgresError(Exception):
    """Why there is no server, and the way out, in one paragraph meant for a person."""
