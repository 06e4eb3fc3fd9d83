"""The job queue's tables, by procrastinate's own SQL.

The files are listed, not globbed: what this revision does must not depend on the version that
happens to be installed. Files that a newer version brings are a later revision's.
"""

from importlib.resources import files

import sqlalchemy as sa
from alembic import op

revision = "platform_0001"
down_revision = None
branch_labels = ("platform",)
depends_on = None

# Read by the gate `migrations`.
accepted = {"*": "procrastinate's own history, on tables that this revision has just created"}
destructive = "drops what earlier files of the same list created"

FILES = (
    "00.00.00_01_initial.sql",
    "00.05.00_01_drop_started_at_column.sql",
    "00.05.00_02_drop_started_at_column.sql",
    "00.05.00_03_drop_procrastinate_version_table.sql",
    "00.06.00_01_fix_procrastinate_fetch_job.sql",
    "00.07.01_01_fix_trigger_status_events_insert.sql",
    "00.08.01_01_add_queueing_lock_column.sql",
    "00.10.00_01_close_fetch_job_race_condition.sql",
    "00.10.00_02_add_defer_job_function.sql",
    "00.11.00_03_add_procrastinate_periodic_defers.sql",
    "00.12.00_01_add_foreign_key_index.sql",
    "00.14.00_01_add_locks_to_periodic_defer.sql",
    "00.15.02_01_fix_procrastinate_defer_periodic_job.sql",
    "00.16.00_01_add_finish_job_and_retry_job_functions.sql",
    "00.17.00_01_add_trigger_on_job_deletion.sql",
    "00.17.00_02_delete_finished_jobs.sql",
    "00.17.00_03_add_checks_to_finish_job.sql",
    "00.17.00_04_add_checks_to_retry_job.sql",
    "00.18.01_01_fix_finish_job_compat_issue.sql",
    "00.19.00_01_add_index_on_procrastinate_jobs.sql",
    "00.22.00_01_add_kwargs_to_defer_periodic_job.sql",
    "00.23.00_01_null_locks_excluded.sql",
    "01.00.00_01_remove_old_finish_job_function.sql",
    "01.01.01_01_job_id_bigint.sql",
    "02.00.03_01_add_job_priority.sql",
    "02.05.00_01_add_periodic_job_priority.sql",
    "02.06.00_01_add_cancel_states.sql",
    "02.08.00_01_add_additional_params_to_retry_job.sql",
    "02.14.01_01_add_indexes_for_fetch_job.sql",
    "03.00.00_01_pre_cancel_notification.sql",
    "03.00.00_50_post_cancel_notification.sql",
    "03.01.00_01_pre_add_heartbeat.sql",
    "03.01.00_50_post_add_heartbeat.sql",
    "03.02.00_01_pre_batch_defer_jobs.sql",
    "03.02.00_50_post_batch_defer_jobs.sql",
    "03.03.00_01_pre_priority_lock_fetch_job.sql",
    "03.04.00_01_pre_add_retry_failed_job_procedure.sql",
    "03.04.00_50_post_add_retry_failed_job_procedure.sql",
)

DROP = """
drop table procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs,
    procrastinate_workers cascade;
do $$
declare
    leftover record;
begin
    for leftover in
        select oid::regprocedure as name from pg_proc
        where pronamespace = current_schema::regnamespace and starts_with(proname, 'procrastinate_')
    loop
        execute format('drop function %s cascade', leftover.name);
    end loop;
    for leftover in
        select oid::regtype as name from pg_type
        where typnamespace = current_schema::regnamespace
            and starts_with(typname, 'procrastinate_') and typtype in ('c', 'e')
    loop
        execute format('drop type %s cascade', leftover.name);
    end loop;
end
$$;
"""


def upgrade() -> None:
    folder = files("procrastinate") / "sql" / "migrations"
    for name in FILES:
        _execute((folder / name).read_text(encoding="utf-8"))


def downgrade() -> None:
    _execute(DROP)


def _execute(script: str) -> None:
    op.execute(sa.text(script.replace(":", r"\:")))
