"""Keeps the arguments of jobs, which may be personal, out of what procrastinate logs."""

import logging
from typing import Any

_LOGGERS = ("procrastinate.worker", "procrastinate.worker.worker")
_PERSONAL = ("call_string", "task_kwargs")


class _WithoutArguments(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        job: dict[str, Any] | None = getattr(record, "job", None)
        if job is not None:
            call = str(job.get("call_string", ""))
            name = f"{job.get('task_name')}[{job.get('id')}]"
            record.msg = str(record.msg).replace(call, name)
            record.job = {key: value for key, value in job.items() if key not in _PERSONAL}
        return True


_filter = _WithoutArguments()


def keep_arguments_out_of_logs() -> None:
    """Its lines below warning spell out every job; this service logs its own, without them."""
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_filter)
