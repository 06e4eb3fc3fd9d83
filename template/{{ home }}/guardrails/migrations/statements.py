"""What the revisions would do to a live database: locks that stop it, data that is gone."""

import json
import tempfile
from pathlib import Path
from typing import Any

from alembic.script import Script

from guardrails.gate import Finding, NotChecked, run

from .hazards import MESSAGES, hazards
from .recording import Executed
from .revisions import path_of

OLDEST_POSTGRESQL = "16"

CONCURRENTLY = (
    "Put `with concurrently():` (from the package's platform.migrations) around it and pass "
    "`postgresql_concurrently=True`."
)
NOT_VALID = (
    "Add it with `postgresql_not_valid=True`, and validate it in a revision of its own with "
    "`alter table … validate constraint …`."
)
EXPAND = (
    "Expand and contract: add the new beside the old, write both, move the readers, drop the old "
    "in a later release."
)

# squawk's rules that are about an outage, with the way out. Not among them:
#   prefer-*, ban-char-field, ban-create-domain-…: taste, which the models decide
#   prefer-robust-stmts: each revision runs in a transaction, so none is half applied
#   require-lock-timeout, require-statement-timeout: the connection that migrates sets its own
#   ban-drop-constraint, -not-null, -type, -view: loosen a promise, lock and lose nothing
LOCKING = {
    "adding-field-with-default": "Add the column without default, fill it in batches, then set it.",
    "adding-foreign-key-constraint": NOT_VALID,
    "adding-not-nullable-field": "Add a `check (… is not null)` as NOT VALID, validate it in a "
    "revision of its own, then set NOT NULL and accept this rule.",
    "adding-required-field": "Give it a server default, or add it nullable and fill it first.",
    "adding-serial-primary-key-field": "Build a unique index concurrently first, then "
    "`add constraint … primary key using index …`.",
    "ban-concurrent-index-creation-in-transaction": CONCURRENTLY,
    "changing-column-type": EXPAND,
    "constraint-missing-not-valid": NOT_VALID,
    "disallowed-unique-constraint": "Build a unique index concurrently first, then "
    "`add constraint … unique using index …`.",
    "lock-table": "Leave locking to the statement that needs it: it takes no more than it must.",
    "renaming-column": EXPAND,
    "renaming-table": EXPAND,
    "require-concurrent-index-creation": CONCURRENTLY,
    "require-concurrent-index-deletion": CONCURRENTLY,
    "require-concurrent-reindex": "Write `reindex … concurrently` in `with concurrently():`.",
}
DESTRUCTIVE = {
    "ban-drop-column",
    "ban-drop-database",
    "ban-drop-in-do",
    "ban-drop-schema",
    "ban-drop-table",
    "ban-truncate-cascade",
    "delete",
    "truncate",
}
MARK = (
    "If no release that still runs uses it and a backup has it, say so in the revision: "
    '`destructive = "why nobody needs it"`.'
)


def check_statements(executed: Executed) -> list[Finding]:
    findings = []
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for script, statements in executed.by_revision.items():
            file = Path(folder) / f"{script.revision}.sql"
            file.write_text(";\n\n".join([*statements, ""]), encoding="utf-8")
            files[file] = script
        for file, line, rule, message in _violations(files):
            statement = file.read_text(encoding="utf-8").splitlines()[line].strip()
            findings += _judge(files[file], rule, f"{message} ({statement})")
    for script, statements in executed.by_revision.items():
        for rule, statement in (found for sql in statements for found in hazards(sql)):
            findings += _judge(script, rule, f"{MESSAGES[rule]} ({statement})")
    return findings


def _violations(files: dict[Path, Script]) -> list[tuple[Path, int, str, str]]:
    if not files:
        return []
    done = run(["squawk", "--reporter=json", f"--pg-version={OLDEST_POSTGRESQL}", *sorted(files)])
    try:
        answer: Any = json.loads(done.stdout)
    except json.JSONDecodeError:
        answer = None
    if not isinstance(answer, list) or (done.returncode and not answer):
        raise NotChecked(f"squawk did not answer: {(done.stderr or done.stdout).strip()}")
    return [
        (Path(entry["file"]), int(entry["line"]), entry["rule_name"], entry["message"])
        for entry in answer
    ]


def _judge(script: Script, rule: str, message: str) -> list[Finding]:
    accepted: dict[str, str] = getattr(script.module, "accepted", {})
    if accepted.get(rule) or accepted.get("*"):
        return []
    if rule in DESTRUCTIVE:
        if getattr(script.module, "destructive", ""):
            return []
        return [Finding(path=path_of(script), line=0, message=f"{rule}: {message}", remedy=MARK)]
    if rule not in LOCKING:
        return []
    remedy = f'{LOCKING[rule]} Harmless here? `accepted = {{"{rule}": "why"}}` in the revision.'
    return [Finding(path=path_of(script), line=0, message=f"{rule}: {message}", remedy=remedy)]
