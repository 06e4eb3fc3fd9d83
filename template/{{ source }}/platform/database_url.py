"""The address of a database: read as libpq reads it, and refused where nothing would work with it.

No message quotes what could be a part of a password (CWE-532).
"""

from urllib.parse import parse_qsl, quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict

_FORM = "must look like postgresql://user:password@host:5432/name"
_ENCODING = (
    "and what a password has of @ : / ? # [ ] % and blanks is written in percent-encoding "
    "(%40 for @, %23 for #)"
)
_UNSET = "[YOUR-PASSWORD]"
# Clients of other languages take these from an address; libpq refuses an address that has them.
_OF_OTHERS = frozenset(
    {
        *("pgbouncer", "connection_limit", "pool_timeout", "schema", "statement_cache_size"),
        *("sslaccept", "sslidentity", "socket_timeout", "prepared_statement_cache_size", "supa"),
        *("pool_size", "max_connections", "idle_timeout", "currentSchema", "uselibpqcompat"),
    }
)
_SUPABASE = (".supabase.co", ".supabase.com")
_SUPABASE_TRANSACTIONS = "6543"


def checked(text: str) -> str:
    """The address as it is given, if a session can be had there.

    Raises:
        ValueError: it can't, with the way out.

    """
    if _UNSET in text:
        raise ValueError(f"still has {_UNSET} in it: put the database's password there")
    scheme, _, rest = text.partition("://")
    if scheme.partition("+")[0] in {"postgresql", "postgres"} and "+" in scheme:
        raise ValueError(f"{_FORM}: leave +{scheme.partition('+')[2]} out, the driver is known")
    authority, _, path = rest.partition("?")[0].partition("/")
    if scheme not in {"postgresql", "postgres"} or not path.strip("/"):
        raise ValueError(f"{_FORM}, {_ENCODING}")
    if "#" in rest or "@" in path or authority.count("@") > 1:
        raise ValueError(f"{_FORM}, {_ENCODING}")
    _refuse_what_others_take(text)
    try:
        parts = conninfo_to_dict(text)
    except (psycopg.ProgrammingError, ValueError):
        # Not its cause: libpq quotes what it can't read.
        raise ValueError(f"{_FORM}, {_ENCODING}") from None
    if not all(port.isdecimal() for port in str(parts.get("port") or "0").split(",")):
        raise ValueError(f"{_FORM}, {_ENCODING}")
    _refuse_a_pooler_of_transactions(str(parts.get("host", "")), str(parts.get("port", "")))
    return text


def _refuse_what_others_take(text: str) -> None:
    names = [name for name, _ in parse_qsl(text.partition("?")[2], keep_blank_values=True)]
    if foreign := [name for name in names if name in _OF_OTHERS]:
        listed = ", ".join(dict.fromkeys(foreign))
        raise ValueError(f"has {listed} behind the ?, which is for other clients: leave it out")


def _refuse_a_pooler_of_transactions(host: str, port: str) -> None:
    if host.endswith(_SUPABASE) and port == _SUPABASE_TRANSACTIONS:
        raise ValueError(
            "is the transaction pooler's (port 6543), and locks and a backup need one session: "
            "take the session pooler's address, or the direct one, both on port 5432"
        )
    if host.endswith(".neon.tech") and "-pooler." in host:
        raise ValueError(
            "is the pooler's, and locks and a backup need one session: take the direct address, "
            "whose host has no -pooler in it"
        )


def with_name(url: str, name: str) -> str:
    """The address of another database of the same server."""
    start, question, query = url.partition("?")
    scheme, _, rest = start.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}/{quote(name, safe='')}{question}{query}"


def encrypted(url: str) -> str:
    """The same, encrypted on its way to Supabase, where nothing else is said."""
    if not str(conninfo_to_dict(url).get("host", "")).endswith(_SUPABASE):
        return url
    start, _, query = url.partition("?")
    said = {"sslmode": "require", **dict(parse_qsl(query, keep_blank_values=True))}
    # libpq takes + for itself, not for a blank.
    return f"{start}?{urlencode(said, quote_via=quote)}"


def session_options(url: str, ours: str) -> str:
    """`ours`, behind what the address itself asks of a session (`options=project%3D…`)."""
    return f"{conninfo_to_dict(url).get('options') or ''} {ours}".strip()
