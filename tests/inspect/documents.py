"""A SARIF document as the guardrails print it, with a word of the caller's in every field."""

from typing import Any

from roadworthy.inspection import Inspection
from roadworthy.inspection.run import gather

_RULES = (
    ("rls.disabled", "auth and access", "critical", "place", "minutes"),
    ("authz.unauthenticated-endpoint", "auth and access", "high", "place", "hours"),
    ("secret.committed", "secrets", "critical", "place", "minutes"),
    ("migrations.not-replayable", "data and migrations", "high", "place", "days"),
    ("money.float", "data and migrations", "medium", "tree", "hours"),
    ("xss.html-injection", "input handling", "high", "place", "minutes"),
    ("errors.swallowed", "resilience and scale", "medium", "file", "hours"),
    ("ci.none", "delivery", "medium", "tree", "hours"),
    ("arch.ui-imports-db-client", "architecture", "low", "file", "days"),
    ("obs.no-error-reporting", "observability", "low", "tree", "hours"),
)
_TABLES: tuple[tuple[str, dict[str, str], str, str, str], ...] = (
    ("profiles", {"email": "contact", "phone": "contact"}, "aaaa", "aaaa", "aaaa"),
    ("orders", {"total": "money", "card": "money"}, "adad", "aaoo", "aaoo"),
    ("invoices", {"iban": "money"}, "dddd", "oaoo", "oooo"),
    ("products", {}, "addd", "addd", "aaad"),
    ("messages", {"body": "private"}, "dddd", "dddd", "oodd"),
    ("audit_log", {}, "dadd", "dadd", "?a??"),
)
_OUTCOMES = {"a": "allowed", "d": "denied by policy", "o": "own rows only", "?": "not checked"}
_OPERATIONS = ("select", "insert", "update", "delete")


def rule(word: str, entry: tuple[str, str, str, str, str]) -> dict[str, Any]:
    name, area, severity, grouping, effort = entry
    return {
        "id": name,
        "shortDescription": {"text": f"The fault {name}{word}"},
        "fullDescription": {"text": f"Somebody reads what is not theirs.{word} And it is told on."},
        "help": {"text": f"Close {name}. Then look again.{word}"},
        "properties": {
            "severity": severity,
            "area": area,
            "grouping": grouping,
            "effort": effort,
            "precision": "high",
            "example": f"alter table t enable row level security;\n{word}\n",
            "cwe": ["CWE-862"],
            "asvs": ["V8.2.1"],
            "guards": ["database"],
        },
    }


def result(
    name: str, path: str, line: int, message: str, *, word: str = "", **about: Any
) -> dict[str, Any]:
    return {
        "ruleId": name,
        "level": "error",
        "message": {"text": message + word},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": path + word},
                    "region": {
                        "startLine": line,
                        "snippet": {"text": f"const total = price * 1.1{word}\nsave(total)"},
                    },
                },
                "logicalLocations": [{"fullyQualifiedName": f"save{word}"}],
            }
        ],
        "properties": {"evidence": "executed", **about},
    }


def matrix(word: str = "", copies: int = 1) -> list[dict[str, Any]]:
    return [
        {
            "schema": "public",
            "table": f"{name}{'_' + str(copy) if copy else ''}{word}",
            "sensitivity": {column + word: kind + word for column, kind in holds.items()},
            **{
                caller: {
                    operation: {"outcome": _OUTCOMES[letter], "why": word}
                    for operation, letter in zip(_OPERATIONS, letters, strict=True)
                }
                for caller, letters in zip(("anon", "user", "member"), cells, strict=True)
            },
        }
        for copy in range(copies)
        for name, holds, *cells in _TABLES
    ]


def modules(word: str = "") -> dict[str, Any]:
    names = ("src/pages", "src/components", "src/hooks", "src/lib", "src/integrations", "server")
    edges = ((0, 1, 40, ""), (0, 4, 31, "pages reach the database"), (1, 2, 12, ""),
             (2, 4, 9, ""), (2, 3, 14, ""), (1, 4, 22, "components reach the database"),
             (3, 2, 1, "a cycle"), (5, 3, 4, ""))  # fmt: skip
    return {
        "nodes": [
            {"id": name + word, "files": 3 * at + 1, "lines": 7 ** (at + 1)}
            for at, name in enumerate(names)
        ],
        "edges": [
            {
                "from": names[a] + word,
                "to": names[b] + word,
                "count": n,
                "broken": n if why else 0,
                "why": why and why + word,
            }
            for a, b, n, why in edges
        ],
    }


def routes(word: str = "") -> list[dict[str, Any]]:
    return [
        {"method": "POST", "path": f"/api/refund{word}", "file": f"server/routes.ts{word}",
         "line": 88, "access": "public", "why": f"nothing asks{word}"},
        {"method": "ANY", "path": f"/api/orders{word}", "file": f"server/routes.ts{word}",
         "line": 12, "access": "caller", "why": f"the caller, line 3{word}"},
    ]  # fmt: skip


def chains(word: str = "") -> list[dict[str, Any]]:
    return [
        {
            "folder": f"supabase/migrations{word}",
            "files": 9,
            "would_run": 8,
            "skipped": [f"supabase/migrations/3-c.sql{word}"],
            "statements": 40,
            "outcomes": {"applied": 38, "failed": 2},
            "failed": [{"path": f"2_b.sql{word}", "line": 3, "reason": f"no table{word}"}],
            "rebuilt": [f"invoices{word}"],
            "types": f"types.ts{word}",
        }
    ]


def results(word: str = "") -> list[dict[str, Any]]:
    return [
        result("rls.disabled", "supabase/migrations/1_a.sql", 12,
               "Anybody can read, change and delete every row of profiles", word=word),
        result("secret.committed", "server/mail.ts", 4,
               "A live key of a mail service (re_9k…) is in the tree", word=word),
        result("authz.unauthenticated-endpoint", "server/routes.ts", 88,
               "POST /api/refund asks nobody who they are", word=word, evidence="read"),
        result("xss.html-injection", "src/pages/Note.tsx", 31,
               "note.body goes into the page as HTML", word=word, evidence="read"),
        result("migrations.not-replayable", "supabase/migrations/2_b.sql", 3,
               "The chain breaks here: relation invoices does not exist", word=word),
        *(
            result("money.float", f"src/pages/Page{at}.tsx", at + 7,
                   f"price of item {at} is a float", word=word, evidence="read")
            for at in range(30)
        ),
        result("errors.swallowed", "src/lib/save.ts", 9, "A failed save says nothing", word=word),
        result("ci.none", "", 0, "No workflow tests a change", word=word),
        result("arch.ui-imports-db-client", "src/pages/Home.tsx", 2,
               "The page imports the database client", word=word),
    ]  # fmt: skip


def document(word: str = "", tables: int = 1) -> dict[str, Any]:
    fact = {"name": f"Supabase{word}", "shown_by": f"package.json{word}", "app": "", "detail": word}
    return {
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {"name": "database", "rules": [rule(word, it) for it in _RULES]}
                },
                "results": results(word),
                "properties": {
                    "matrix": matrix(word, tables),
                    "modules": modules(word),
                    "routes": routes(word),
                    "chains": chains(word),
                    "notChecked": [
                        {"what": f"the history{word}", "why": f"no git here{word}", "rules": []},
                        {"what": "access to t", "why": "no row fits", "rules": ["rls.disabled"]},
                    ],
                },
            }
        ],
        "properties": {
            "tree": {
                "files": 214,
                "left": [{"path": f"venv{word}", "why": f"installed{word}", "files": 2749}],
            },
            "stack": {
                "apps": [
                    {
                        "root": f"web{word}",
                        "manifests": [f"web/package.json{word}"],
                        "frameworks": [f"React{word}"],
                        "builder": fact,
                    }
                ],
                "languages": [{"name": f"TypeScript{word}", "files": 180, "lines": 21_034}],
                "builder": [fact],
                "database": [fact],
                "exposed": [{**fact, "name": f"a browser app{word}", "detail": ""}],
                "migrations": [fact],
            },
        },
    }


RULES = frozenset(name for name, *_ in _RULES)


def inspection(word: str = "", tables: int = 1, heeded: frozenset[str] = RULES) -> Inspection:
    return gather(document(word, tables), {}, heeded, f"corner-shop{word}")
