"""The gate, and `new`, which writes a revision from the models.

python -m guardrails.migrations
python -m guardrails.migrations new "add customers"
"""

import argparse
import io
import sys
from contextlib import redirect_stdout
from typing import Any

from alembic import command
from alembic.operations import ops

from guardrails.gate import Finding, NotChecked, report
from guardrails.postgres import PostgresError

from .drift import compare, write_down
from .recording import recording
from .replay import check_drift, check_upgrade, check_way_back
from .revisions import APP, FOLDERS, PLATFORM, Revisions, check_branches, path_of
from .scratch import scratch_database
from .statements import check_statements


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m guardrails.migrations", description=__doc__)
    actions = parser.add_subparsers(dest="action")
    new_action = actions.add_parser("new", help="write a revision from the models")
    new_action.add_argument("message", help="what changed, in a few words")
    new_action.add_argument("--empty", action="store_true", help="for data, with no model changed")
    options = parser.parse_args(arguments)
    try:
        if options.action == "new":
            return new(options.message.strip(), empty=options.empty)
        return check()
    except (NotChecked, PostgresError) as error:
        print(f"migrations: NOT CHECKED: {error}", file=sys.stderr)
        return 2


def check() -> int:
    revisions = Revisions.read()
    # What follows would stumble over it, and say less well what is wrong.
    if findings := check_branches(revisions):
        return report("migrations", findings)
    with scratch_database() as url:
        return report("migrations", check_replay(revisions, url))


def check_replay(revisions: Revisions, url: str) -> list[Finding]:
    """Judge what an upgrade runs and what it makes, on an empty database."""
    with recording() as executed:
        failed = check_upgrade(revisions)
    made = failed or check_drift(revisions) + check_way_back(revisions, url)
    return made + check_statements(executed)


def new(message: str, *, empty: bool) -> int:
    """Write a revision of the branch `app` that brings a migrated database to the models."""
    if not message:
        print('error: say what changed: make migration m="add customers"', file=sys.stderr)
        return 2
    revisions = Revisions.read()
    if findings := check_branches(revisions):
        return report("migrations", findings)
    heads = revisions.heads(APP)
    with scratch_database(), redirect_stdout(io.StringIO()):
        command.upgrade(revisions.config, "heads")
        written: Any = command.revision(
            revisions.config,
            message,
            autogenerate=True,
            head=f"{APP}@head" if heads else "base",
            branch_label=None if heads else APP,
            version_path=None if heads else FOLDERS[APP],
            # The platform's tables are there before yours refer to them.
            depends_on=revisions.heads(PLATFORM)[0].revision,
            process_revision_directives=None if empty else _as_one_would_write_it,
        )
    if not written:
        print("Nothing to do: the revisions already make what the models say.")
        return 0
    print(f"Wrote {path_of(written)}. Read it, then run `make migrations`.")
    return 0


def _as_one_would_write_it(context: Any, _revision: Any, directives: list[Any]) -> None:
    """Nothing, where nothing changed; what Alembic does not compare; and no word on the indexes of
    a table that is dropped, which go with it, under its lock.
    """
    upgrade = directives[0].upgrade_ops
    told = {
        part.index_name
        for step in upgrade.ops
        for part in getattr(step, "ops", [step])
        if isinstance(part, ops.CreateIndexOp)
    }
    found = compare(context.connection, context.opts["target_metadata"])
    write_down((drift for drift in found if drift.part.name not in told), directives[0])
    if upgrade.is_empty():
        directives.clear()
        return
    dropped = {
        (step.schema, step.table_name) for step in upgrade.ops if isinstance(step, ops.DropTableOp)
    }
    upgrade.ops = [
        step
        for step in upgrade.ops
        if not (
            isinstance(step, ops.ModifyTableOps)
            and (step.schema, step.table_name) in dropped
            and all(isinstance(part, ops.DropIndexOp) for part in step.ops)
        )
    ]


if __name__ == "__main__":
    sys.exit(main())
