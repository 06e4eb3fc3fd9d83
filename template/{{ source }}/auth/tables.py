"""The tables of authentication. Tokens are kept as hashes: what a backup holds opens no door."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from ..platform.tables import UtcTimestamp, metadata

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("disabled_at", UtcTimestamp),
    CheckConstraint('email = lower(email COLLATE "C")', name="email_is_canonical"),
)

user_roles = Table(
    "user_roles",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("role", Text, primary_key=True),
)

# An account comes into being when its address is proven. Each attempt keeps its own password, so
# that nobody can slip theirs under an address that another person proves (pre-hijacking).
sign_ups = Table(
    "sign_ups",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("email", Text, nullable=False, index=True),
    Column("password_hash", Text, nullable=False),
    Column("expires_at", UtcTimestamp, nullable=False, index=True),
)

# For a user it resets the password, for a sign-up it proves the address; each works once.
one_time_tokens = Table(
    "one_time_tokens",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), index=True),
    Column("sign_up_id", ForeignKey("sign_ups.id", ondelete="CASCADE"), index=True),
    Column("expires_at", UtcTimestamp, nullable=False, index=True),
    CheckConstraint("num_nonnulls(user_id, sign_up_id) = 1", name="serves_one_purpose"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", UtcTimestamp, nullable=False),
    # Without an index of its own: it changes every minute, and PostgreSQL can do that in place.
    Column("last_seen_at", UtcTimestamp, nullable=False),
    Column("expires_at", UtcTimestamp, nullable=False, index=True),
    Column("address", Text),
    Column("user_agent", Text),
)

throttles = Table(
    "throttles",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("attempts", Integer, nullable=False),
    Column("resets_at", UtcTimestamp, nullable=False, index=True),
)

# Append-only: a trigger of the same migration refuses everything but INSERT.
audit_log = Table(
    "audit_log",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", UtcTimestamp, nullable=False, server_default=func.now()),
    Column("event", Text, nullable=False),
    Column("user_id", Uuid),
    Column("address", Text),
    Column("details", JSONB, nullable=False),
    Index("ix_audit_log_user_id_at", "user_id", "at"),
)
