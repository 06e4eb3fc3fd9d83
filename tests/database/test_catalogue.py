"""What the catalogue shows of any chain, also where no API exposes the tables to strangers."""

from pathlib import Path

import pytest
from guardrails.engine.finding import Finding
from guardrails.engine.tree import walk
from guardrails.guards.database import look

CATALOGUE = {"db.fk-not-indexed", "db.no-primary-key", "money.float", "time.naive"}
LEDGER = """\
CREATE TABLE accounts (id integer PRIMARY KEY, owner text NOT NULL);
CREATE TABLE payments (
    account_id integer NOT NULL REFERENCES accounts (id),
    amount double precision NOT NULL,
    tax_percent double precision,
    distance real,
    paid_at timestamp
);
"""


def found(folder: Path, path: str) -> list[Finding]:
    file = folder / path
    file.parent.mkdir(parents=True)
    file.write_text(LEDGER, encoding="utf-8")
    return list(look(walk(folder)).findings)


@pytest.mark.parametrize(
    "path",
    [
        "supabase/migrations/20260101000000_ledger.sql",
        "prisma/migrations/20260101000000_ledger/migration.sql",
    ],
)
def test_keys_money_and_times(tmp_path: Path, path: str) -> None:
    findings = [finding for finding in found(tmp_path, path) if finding.rule in CATALOGUE]
    said = {(finding.rule, finding.place.line) for finding in findings}
    assert {rule for rule, _ in said} == CATALOGUE
    assert ("db.no-primary-key", 2) in said
    assert ("db.fk-not-indexed", 3) in said
    assert [f.message for f in findings if f.rule == "money.float"] == [
        "`payments.amount` keeps money as double precision."
    ]


def test_no_stranger_without_an_api(tmp_path: Path) -> None:
    findings = found(tmp_path, "prisma/migrations/20260101000000_ledger/migration.sql")
    assert {finding.rule for finding in findings if finding.rule.startswith("rls")} == set()
