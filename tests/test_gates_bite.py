"""Every gate of `make check` stops what it is there to stop, and lets everything else pass."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pytest
from advisories import WITHDRAWN
from stamping import Project, Stamper, commit_all

SLOW = "test"  # a gate of minutes, which no other gate's violation needs to run


@dataclass(frozen=True)
class Violation:
    gate: str
    title: str
    plant: Callable[[Project], None]
    says: str
    answers: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return f"{self.gate}: {self.title}"


def adds(name: str, text: str, *others: tuple[str, str]) -> Callable[[Project], None]:
    """Plant files; PACKAGE stands for the package."""

    def plant(project: Project) -> None:
        for place, content in ((name, text), *others):
            path = project.path / place.replace("PACKAGE", project.package)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content.replace("PACKAGE", project.package))

    return plant


def changes(name: str, pattern: str, replacement: str) -> Callable[[Project], None]:
    """Plant by changing what is there."""

    def plant(project: Project) -> None:
        path = project.path / name.replace("PACKAGE", project.package)
        text, count = re.subn(pattern, replacement, path.read_text(), count=1, flags=re.MULTILINE)
        assert count, f"nothing in {name} is like {pattern}"
        path.write_text(text)

    return plant


def revises(after: str, upgrade: str, *revisions: str) -> Callable[[Project], None]:
    """Plant revisions, each of which follows the same one."""

    def plant(project: Project) -> None:
        for revision in revisions:
            adds(
                f"migrations/versions/{revision}.py",
                f'"""Planted."""\n\nfrom alembic import op as op\n\nrevision = "{revision}"\n'
                f'down_revision = "{after}"\nbranch_labels = None\ndepends_on = None\n\n\n'
                f"def upgrade() -> None:\n    {upgrade}\n\n\n"
                "def downgrade() -> None:\n    pass\n",
            )(project)

    return plant


def an_old_dependency(project: Project) -> None:
    lock = project.path / "uv.lock"
    before, name, after = lock.read_text().partition('name = "idna"\n')
    package, separator, others = after.partition("[[package]]")
    version = package.split('"')[1]
    lock.write_text(before + name + package.replace(version, WITHDRAWN) + separator + others)


BRANCHES = "".join(f"    if number == {n}:\n        return {n * n}\n" for n in range(12))
VIOLATIONS = [
    Violation(
        "format",
        "a line that the formatter would write otherwise",
        adds("src/PACKAGE/planted.py", '"""Planted."""\n\nSIZES = {"small" : 1}\n'),
        "planted.py",
    ),
    Violation(
        "lint",
        "an import that nobody uses",
        adds("src/PACKAGE/planted.py", '"""Planted."""\n\nimport os\n'),
        "F401",
    ),
    Violation(
        "lint",
        "a function with too many branches",
        adds(
            "src/PACKAGE/planted.py",
            f'"""Planted."""\n\n\ndef square(number: int) -> int:\n{BRANCHES}    return 0\n',
        ),
        "C901",
    ),
    Violation(
        "lint",
        "a feature that is no package, whose imports the boundaries would not see",
        adds("src/PACKAGE/features/planted/domain.py", '"""Planted."""\n'),
        "INP001",
    ),
    Violation(
        "lint",
        "a module that grew past the ceiling",
        adds("src/PACKAGE/planted.py", '"""Planted."""\n' + "# more and more\n" * 400),
        "the ceiling is 400",
    ),
    Violation(
        "types",
        "a function that returns something else",
        adds(
            "src/PACKAGE/planted.py",
            '"""Planted."""\n\n\ndef count() -> int:\n    return "three"\n',
        ),
        "return-value",
    ),
    Violation(
        "types",
        "a function without types",
        adds("src/PACKAGE/planted.py", '"""Planted."""\n\n\ndef count(of):\n    return of\n'),
        "no-untyped-def",
    ),
    Violation(
        "boundaries",
        "the platform knows a feature",
        adds(
            "src/PACKAGE/platform/planted.py",
            '"""Planted."""\n\nfrom ..features import bookings\n\n__all__ = ["bookings"]\n',
        ),
        "app, then features, then auth, then platform BROKEN",
    ),
    Violation(
        "boundaries",
        "auth knows a feature",
        adds(
            "src/PACKAGE/auth/planted.py",
            '"""Planted."""\n\nfrom ..features import bookings\n\n__all__ = ["bookings"]\n',
        ),
        "app, then features, then auth, then platform BROKEN",
    ),
    Violation(
        "boundaries",
        "a feature reaches into another",
        adds(
            "src/PACKAGE/features/planted/__init__.py",
            '"""Planted."""\n\nfrom ..bookings import tables\n\n__all__ = ["tables"]\n',
        ),
        "features know each other only through what they publish BROKEN",
    ),
    Violation(
        "boundaries",
        "a domain knows the database",
        changes(
            "src/PACKAGE/features/bookings/domain.py",
            r"\A(\"\"\"[^\"]*\"\"\"\n)",
            r"\1\nfrom sqlalchemy import Table as Table\n",
        ),
        "domain knows no framework and no database BROKEN",
    ),
    Violation(
        "boundaries",
        "a domain knows the framework",
        adds(
            "src/PACKAGE/features/bookings/domain.py",
            '"""Planted."""\n\nfrom fastapi import Request\n\n__all__ = ["Request"]\n',
        ),
        "domain knows no framework and no database BROKEN",
    ),
    Violation(
        "boundaries",
        "a domain calls the network",
        adds(
            "src/PACKAGE/features/bookings/domain.py",
            '"""Planted."""\n\nfrom httpx2 import Client\n\n__all__ = ["Client"]\n',
        ),
        "domain knows no framework and no database BROKEN",
    ),
    Violation(
        "boundaries",
        "a service knows the requests",
        adds(
            "src/PACKAGE/features/planted/service.py",
            '"""Planted."""\n\nfrom . import api\n\n__all__ = ["api"]\n',
            ("src/PACKAGE/features/planted/api.py", '"""Planted."""\n'),
            ("src/PACKAGE/features/planted/__init__.py", '"""Planted."""\n'),
        ),
        "in a feature: api, then service, then domain and tables BROKEN",
    ),
    Violation(
        "boundaries",
        "a package beside the features reaches into one",
        adds(
            "src/PACKAGE/shared/__init__.py",
            '"""Planted."""\n\nfrom ..features.bookings import tables\n\n__all__ = ["tables"]\n',
        ),
        "features know each other only through what they publish BROKEN",
    ),
    Violation(
        "access",
        "a route that was opened",
        changes(
            "src/PACKAGE/features/bookings/api.py", r'^@requires\("bookings:read"\)$', "@public"
        ),
        "/bookings",
    ),
    Violation(
        "access",
        "a route that states nothing",
        changes("src/PACKAGE/features/bookings/api.py", r'^@requires\("events:write"\)\n', ""),
        "/events",
    ),
    Violation(
        "access",
        "a route of the application itself, past every feature",
        changes(
            "src/PACKAGE/app.py",
            r"^    return (Service\(.*\))$",
            r"    service = \1\n\n    @service.app.get('/everything')\n"
            "    async def everything() -> dict[str, str]:\n        return {}\n\n"
            "    return service",
        ),
        "/everything (app)",
    ),
    Violation(
        "migrations",
        "a model that no revision makes",
        changes(
            "src/PACKAGE/features/bookings/tables.py",
            r'^( +)Column\("places"',
            r'\1Column("note", Text),\n\g<0>',
        ),
        "note",
    ),
    Violation(
        "migrations",
        "a check in the database that the models lost",
        changes("src/PACKAGE/features/bookings/tables.py", r'^.*name="never_overbooked"\),\n', ""),
        "drop constraint ck_events_never_overbooked of events",
    ),
    Violation(
        "migrations",
        "a check of the models that no revision makes",
        changes(
            "src/PACKAGE/features/bookings/tables.py",
            r'^( +)CheckConstraint\("places > 0"',
            r'\1CheckConstraint("places < 99", name="few"),\n\g<0>',
        ),
        "add constraint ck_bookings_few of bookings",
    ),
    Violation(
        "migrations",
        "two heads in a branch",
        revises("4b9f6d20c7e1", "pass", "planted1", "planted2"),
        "is a second head",
    ),
    Violation(
        "migrations",
        "an index that stops every writer",
        revises("4b9f6d20c7e1", 'op.create_index("planted", "events", ["title"])', "planted1"),
        "require-concurrent-index-creation",
    ),
    Violation(
        "migrations",
        "a dropped column that nobody owns up to",
        revises("4b9f6d20c7e1", 'op.drop_column("events", "title")', "planted1"),
        "ban-drop-column",
    ),
    Violation(
        "migrations",
        "a table that is dropped only where nobody was looking",
        revises(
            "4b9f6d20c7e1",
            'if not op.get_context().as_sql:\n        op.drop_table("bookings")',
            "planted1",
        ),
        "ban-drop-table",
    ),
    Violation(
        "migrations",
        "rows that are deleted inside of a block",
        revises(
            "4b9f6d20c7e1", 'op.execute("do $$ begin delete from bookings; end $$")', "planted1"
        ),
        "delete: ",
    ),
    Violation(
        "workflows",
        "a caller's text in a shell script",
        changes(
            ".github/workflows/ci.yml",
            r"^( +)- run: .*$",
            r"\1- run: echo '${{ github.event.pull_request.title }}'",
        ),
        "template-injection",
    ),
    Violation(
        "workflows",
        "a job that GitLab does not know",
        changes(".gitlab-ci.yml", r"^  script:", "  scripts:"),
        ".gitlab-ci.yml",
        (("ci", "gitlab"),),
    ),
    Violation(
        "delivery",
        "a container that runs as root",
        changes("ops/container/Dockerfile", r"\Z", "USER root\n"),
        "DL3002",
    ),
    Violation(
        "delivery",
        "a compose file with a misspelled key",
        changes("ops/compose/compose.yaml", r"^    image:", "    imgae:"),
        "imgae",
    ),
    Violation(
        "delivery",
        "a manifest with a misspelled field",
        changes("ops/kubernetes/base/app.yaml", r"readinessProbe:", "readynessProbe:"),
        "readynessProbe",
        (("deploy", "kubernetes"),),
    ),
    Violation(
        "secrets",
        "a private key",
        adds("docs/notes.md", "Deploy with glpat-" + "x7Kq2VtR9mZp4LwN8sYb" + "\n"),
        "docs/notes.md",
    ),
    Violation(
        "guards",
        "a signing key with a default in the code",
        adds(
            "src/acme_bookings/features/planted.py",
            'import os\n\nSIGNING_KEY = os.environ.get("SIGNING_KEY", "change-me-in-production")\n',
        ),
        "auth.default-secret",
    ),
    Violation(
        "audit",
        "a dependency with a known vulnerability",
        an_old_dependency,
        "idna 0.0.1 is vulnerable: OSV-2026-1",
    ),
    Violation(
        "test",
        "a test that fails",
        adds(
            "tests/features/bookings/test_a_planted.py",
            "def test_planted() -> None:\n    assert str(1) == str(2)\n",
        ),
        "test_planted",
    ),
]
FIRST_OF_EACH_GATE = [next(group) for _, group in groupby(VIOLATIONS, lambda v: v.gate)]


HALF = (len(FIRST_OF_EACH_GATE) + 1) // 2
PAIRS = list(zip(FIRST_OF_EACH_GATE[:HALF], FIRST_OF_EACH_GATE[-HALF:], strict=True))


def planted(stamper: Stamper, *violations: Violation) -> Project:
    project = stamper.fresh(**dict(violations[0].answers))
    for violation in violations:
        violation.plant(project)
    commit_all(project.path, "Plant")
    return project


def failed(project: Project, gates: Iterable[str]) -> dict[str, str]:
    ran = {gate: project.run("make", gate) for gate in gates if gate != SLOW}
    return {gate: run.stdout for gate, run in ran.items() if run.returncode}


def test_every_gate_has_a_proof(stamper: Stamper) -> None:
    assert {violation.gate for violation in VIOLATIONS} == set(stamper.stamp().gates)


@pytest.mark.parametrize("violation", VIOLATIONS, ids=str)
def test_the_gate_names_the_violation(violation: Violation, stamper: Stamper) -> None:
    # Of the tests the first that fails will do; it is the first of all, and none waits behind it.
    first = "-x --maxschedchunk=1"
    ran = planted(stamper, violation).run("make", violation.gate, PYTEST_ADDOPTS=first)
    assert ran.returncode != 0, f"it passed:\n{ran.stdout}"
    assert violation.says in ran.stdout


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda violation: violation.gate)
def test_no_other_gate_fails(one: Violation, other: Violation, stamper: Stamper) -> None:
    """Two at a time, which is half the work.

    The other gates run with both of them planted, and the gate of each with the other alone.
    """
    both = planted(stamper, one, other)
    assert failed(both, set(both.gates) - {one.gate, other.gate}) == {}
    for violation, gate in ((one, other.gate), (other, one.gate)):
        assert failed(planted(stamper, violation), [gate]) == {}
