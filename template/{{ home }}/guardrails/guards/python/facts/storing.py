"""Calls that read rows, and calls that write them: of SQL, of an ORM, of documents."""

import ast
import re

from .syntax import argument, called, chain, dotted, strings_in

READS = frozenset({
    "filter", "filter_by", "get_or_404", "first_or_404", "find_one", "find", "aggregate",
    "scalars", "scalar", "exec", "execute", "select", "where", "fetchone", "fetchall", "query",
    "get_object_or_404", "to_list", "count_documents", "fetch", "fetchrow",
})  # fmt: skip
WRITES = frozenset({
    "insert_one", "insert_many", "update_one", "update_many", "delete_one", "delete_many",
    "replace_one", "find_one_and_update", "find_one_and_delete", "commit", "add_all", "upsert",
    "bulk_create", "append_row", "bulk_write", "drop_collection", "drop_all", "delete_user",
    "set_custom_user_claims",
})  # fmt: skip
_TAKES_ROWS = {"all", "first", "one", "one_or_none", "paginate", "get_or_404"}
"""What ends a query of Django's or of SQLAlchemy's: `Order.query.order_by(Order.day).all()`."""
_STORES = re.compile(
    r"^_?(get_|open_)?(db|database|session|conn|cursor|cur\b|pool|collection|table|supabase|repo|crud)",
    re.IGNORECASE,
)
_OF_A_STORE = {"table", "from_", "collection"}
"""`supabase.table("notes").eq("id", …)`, `db.collection("notes").document(…)`."""
_REFERENCE = re.compile(r"_ref$|^ref$")
"""`order_ref = db.collection("orders").document(…)`"""
_FILES = re.compile(r"file|image|img|photo|pdf|doc|wb|workbook|buffer|plt|fig|^f$", re.IGNORECASE)
_SOFT_WRITES = frozenset({"add", "delete", "save", "create", "update", "insert", "set", "remove"})
CHANGES = frozenset({
    "update_one", "update_many", "delete_one", "delete_many", "replace_one", "delete",
    "find_one_and_update", "find_one_and_delete", "drop_all", "drop_collection", "update",
    "update_user", "delete_user", "set_custom_user_claims",
})  # fmt: skip
SQL_WRITE = re.compile(r"^\s*(insert|update|delete|replace|drop|alter|truncate)\b", re.IGNORECASE)


def is_query(call: ast.AST) -> bool:
    name = called(call)
    if name in _TAKES_ROWS and {"objects", "query"} & set(chain(call)[:-1]):
        return True
    if name == "find" and isinstance(call, ast.Call) and isinstance(argument(call, 0), ast.Dict):
        return True
    if name in {"eq", "match", "document"} or (
        name in {"get", "stream"} and "collection" in chain(call)[:-1]
    ):
        return bool(_OF_A_STORE & set(chain(call)[:-1]))
    if name in {"find", "query", "where", "filter", "select", "get", "fetch", "execute"}:
        return (
            name != "get"
            and isinstance(call, ast.Call)
            and (
                bool(_STORES.search(".".join(chain(call)[:2])))
                or len(chain(call)) > 2
                or name in {"select", "where"}
            )
        )
    return name in READS


def is_write(call: ast.AST) -> bool:
    name = called(call)
    if name in WRITES:
        return True
    if not isinstance(call, ast.Call):
        return False
    if name in {"execute", "executemany", "text"}:
        return changes_sql(call)
    if name == "update_user" and chain(call)[:-1] in (["auth"], ["firebase_admin", "auth"]):
        return True
    return name in _SOFT_WRITES and _writes_softly(name, call)


def _writes_softly(name: str, call: ast.Call) -> bool:
    names = chain(call)
    if name in {"save", "delete", "insert"} and not call.args and not _FILES.search(names[0]):
        return True  # of a model, a document or a serializer
    started = names[0] if names else ""
    if name in {"set", "update", "delete"} and _REFERENCE.search(started):
        return True
    return bool(_STORES.search(started)) or bool(
        {"objects", "session", "query", "table", "document", "collection"} & set(names[:-1])
    )


def changes_sql(call: ast.Call) -> bool:
    return any(SQL_WRITE.match(text) for first in call.args[:1] for text in strings_in(first))


def by_its_id(call: ast.Call) -> bool:
    """`User.query.get(…)`, `db.get(User, …)`, `User.get(…)` of a document."""
    if called(call) != "get":
        return False
    names = chain(call)
    of_model = len(call.args) > 1 and dotted(call.args[0])[:1].isupper()
    of_document = len(names) == 2 and re.match(r"[A-Z][a-z]", names[0]) is not None
    return of_model or of_document or bool({"query", "session"} & set(names[:-1]))
