"""Jobs on PostgreSQL: enqueued in the transaction that causes them, run at least once."""

import asyncio
import copy
import signal
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import procrastinate
import structlog
from procrastinate import BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.exceptions import AppNotOpen
from procrastinate.jobs import Job, Status
from procrastinate.middleware import AsyncCallNext
from procrastinate.tasks import Task
from procrastinate.types import JSONValue
from procrastinate.worker import Worker
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from .job_log import keep_arguments_out_of_logs
from .settings import PlatformSettings

if TYPE_CHECKING:
    from .context import Platform

CONCURRENCY = 8

# A job whose worker died this often is taken for what kills it.
_MAX_CRASHES = 5
_CARRIER = "trace_context"
_KEEP_FINISHED_HOURS = 24 * 7
_RECONNECT_SECONDS = 1.0
# What a database that does not answer may take of the time after the grace.
_FAREWELL_SECONDS = 5.0
_SWEEP_LOCK = 0x6A6F6273

_log = structlog.get_logger(__name__)

AnyTask = Task[Any, Any, Any]

housekeeping = procrastinate.Blueprint()


@housekeeping.periodic(cron="41 * * * *")
@housekeeping.task(name="jobs.remove_finished", queue="housekeeping", pass_context=True)
async def remove_finished(context: JobContext, timestamp: int) -> None:
    """Delete what ended a week ago, so that the queue stays small."""
    del timestamp
    await context.app.job_manager.delete_old_jobs(
        _KEEP_FINISHED_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )


def platform_of_job(context: JobContext) -> "Platform":
    platform: Platform = context.additional_context["platform"]
    return platform


class Jobs:
    """The queue of one service.

    A task is declared on a feature's `procrastinate.Blueprint`, under a name of its own, and
    must bear being run twice: a worker may die between doing the work and saying so.
    """

    def __init__(
        self, settings: PlatformSettings, blueprints: Iterable[procrastinate.Blueprint]
    ) -> None:
        keep_arguments_out_of_logs()
        self.heartbeat_seconds = 10.0
        self.stalled_after_seconds = 30.0
        self._grace = settings.shutdown_grace
        self._platform: Platform | None = None
        self._app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(
                conninfo=settings.database_url,
                kwargs={"application_name": f"{settings.service_name} worker"},
                min_size=1,
                max_size=CONCURRENCY + 2,
                timeout=5.0,
            )
        )
        for blueprint in (housekeeping, *blueprints):
            self._app.add_tasks_from(_copy_of(blueprint), namespace="")

    async def defer(
        self, connection: AsyncConnection, task: AnyTask, **arguments: JSONValue
    ) -> int:
        """Enqueue `task` in the transaction of `connection`: a roll-back removes it too.

        The trace goes on in the job. Arguments are stored as they are: pass ids, no secrets.
        """
        raw = await connection.get_raw_connection()
        deferrer = self._app.configure_task(
            task.name, allow_unknown=False, connection=raw.driver_connection
        )
        assert self._platform is not None
        with self._platform.telemetry.enqueuing(task.name, task.queue) as context:
            carrier: JSONValue = {**context}
            return await deferrer.defer_async(**arguments, **{_CARRIER: carrier})

    @asynccontextmanager
    async def opened(self, platform: "Platform") -> AsyncIterator[None]:
        """Make `platform` known to the tasks; connections are made by a worker only."""
        self._platform = platform
        try:
            yield
        finally:
            self._platform = None

    async def run_worker(self) -> None:
        """Run jobs until SIGTERM or SIGINT, then finish what is under way."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        async with self.working():
            await stop.wait()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Run jobs beside the body; what is under way at its end is finished first."""
        ending = asyncio.Event()
        worker = asyncio.create_task(self._keep_working(ending), name="worker")
        try:
            yield
        finally:
            ending.set()
            worker.cancel()
            _, still_running = await asyncio.wait({worker}, timeout=self._grace + _FAREWELL_SECONDS)
            if still_running:
                _log.warning("worker_left_behind")

    async def run_pending(self) -> None:
        """Run what is due now, and what that enqueues, then return. For tests."""
        ran = 1
        while ran:
            outcomes: list[int] = []
            await self._work(wait=False, listen_notify=False, outcomes=outcomes)
            ran = len(outcomes)

    async def failed(self) -> list[Job]:
        """What is tried no more; it is deleted a week after it ended."""
        async with self._app.open_async():
            return list(await self._app.job_manager.list_jobs_async(status=Status.FAILED.value))

    async def retry(self, jobs: Iterable[Job]) -> None:
        """Let the workers try once more; a job that used up its tries fails again after one."""
        async with self._app.open_async():
            for job in jobs:
                await self._app.job_manager.retry_job(job)

    async def _keep_working(self, ending: asyncio.Event) -> None:
        """A database that goes away ends procrastinate's worker; it is started again.

        Where it goes away while the worker ends, procrastinate raises that instead of the
        cancellation.
        """
        while not ending.is_set():
            sweeper = asyncio.create_task(self._keep_sweeping(), name="retry stalled jobs")
            try:
                await self._work(wait=True, listen_notify=True, outcomes=None)
            except Exception as error:
                _log.warning("worker_interrupted", error=type(error).__name__, exc_info=True)
            finally:
                sweeper.cancel()
                await asyncio.gather(sweeper, return_exceptions=True)
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _work(self, *, wait: bool, listen_notify: bool, outcomes: list[int] | None) -> None:
        # A test runs what it enqueued, not what the hour happens to bring.
        self._app.periodic_defaults = {} if wait else {"max_delay": -1}
        try:
            await self._app.open_async()
            await self._app.run_worker_async(
                concurrency=CONCURRENCY,
                wait=wait,
                listen_notify=listen_notify,
                install_signal_handlers=False,
                shutdown_graceful_timeout=self._grace,
                fetch_job_polling_interval=self.heartbeat_seconds / 2,
                update_heartbeat_interval=self.heartbeat_seconds,
                stalled_worker_timeout=self.stalled_after_seconds,
                additional_context={"platform": self._platform, "outcomes": outcomes},
                worker_middleware=[_run],
            )
        finally:
            await self._app.close_async()

    async def _keep_sweeping(self) -> None:
        while True:
            try:
                await self.retry_stalled()
            except AppNotOpen:
                pass  # the worker is still connecting
            except Exception as error:
                _log.warning("stalled_jobs_unknown", error=type(error).__name__)
            await asyncio.sleep(self.heartbeat_seconds)

    async def retry_stalled(self) -> None:
        """Put back what a worker was running when it died.

        One process at a time: a job that a second one puts back again would run beside itself.
        """
        assert self._platform is not None
        async with self._platform.database.transaction() as connection:
            if not await connection.scalar(select(func.pg_try_advisory_xact_lock(_SWEEP_LOCK))):
                return
            stalled = await self._app.job_manager.get_stalled_jobs(
                seconds_since_heartbeat=self.stalled_after_seconds
            )
            for job in stalled:
                await self._put_back(job)

    async def _put_back(self, job: Job) -> None:
        given_up = job.attempts >= _MAX_CRASHES
        _log.warning("job_stalled", task=job.task_name, job_id=job.id, given_up=given_up)
        if given_up:
            await self._app.job_manager.finish_job(job, Status.FAILED, delete_job=False)
        else:
            await self._app.job_manager.retry_job(job)


async def _run(call_next: AsyncCallNext, context: JobContext, worker: Worker) -> Any:
    """Continue the trace in which the job was enqueued, and log how the job ended."""
    del worker
    job = context.job
    carrier = job.task_kwargs.pop(_CARRIER, None) or {}
    telemetry = context.additional_context["platform"].telemetry
    started = time.perf_counter()
    outcome = "failed"
    with telemetry.running_job(job.task_name, job.queue, job.id, carrier):
        try:
            result = await call_next()
            outcome = "succeeded"
        finally:
            if (outcomes := context.additional_context["outcomes"]) is not None:
                outcomes.append(job.id)
            _log.info(
                "job_finished",
                outcome=outcome,
                attempt=job.attempts + 1,
                duration_ms=round((time.perf_counter() - started) * 1000, 1),
            )
    return result


class _PutBackAtShutdown(BaseRetryStrategy):
    """A job that the end of its worker cut short goes back into the queue, whatever its strategy.

    Left to itself, procrastinate marks it as aborted, and nobody runs it again.
    """

    def __init__(self, own: BaseRetryStrategy | None) -> None:
        self._own = own

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, asyncio.CancelledError):
            return RetryDecision()
        return self._own.get_retry_decision(exception=exception, job=job) if self._own else None


def _copy_of(blueprint: procrastinate.Blueprint) -> procrastinate.Blueprint:
    """A blueprint binds itself to one app; a process that makes two services needs two."""
    own = procrastinate.Blueprint()
    own.tasks = {name: copy.copy(task) for name, task in blueprint.tasks.items()}
    for task in own.tasks.values():
        task.retry_strategy = _PutBackAtShutdown(task.retry_strategy)
    for periodic in blueprint.periodic_registry.periodic_tasks.values():
        own.periodic_registry.register_task(
            task=own.tasks[periodic.task.name],
            cron=periodic.cron,
            periodic_id=periodic.periodic_id,
            configure_kwargs=copy.copy(periodic.configure_kwargs),
        )
    return own
