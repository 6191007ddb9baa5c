"""The lines that are logged, for people or for machines, each with the task that it is about."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal

LogFormat = Literal["console", "json"]

_task: ContextVar[str] = ContextVar("task", default="")


def is_about(task_id: str) -> None:
    """What is logged from here on in this context, a request's say, is about a task."""
    _task.set(task_id)


@contextmanager
def about(task_id: str) -> Iterator[None]:
    """What is logged within is about a task."""
    before = _task.set(task_id)
    try:
        yield
    finally:
        _task.reset(before)


def begin(form: LogFormat, level: str) -> None:
    """Send all loggers of this process to its standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_mark)
    handler.setFormatter(_Json() if form == "json" else _Console())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for library in ("alembic", "httpx"):  # httpx would log every URL, with what is secret in it
        logging.getLogger(library).setLevel(logging.WARNING)


def _mark(record: logging.LogRecord) -> bool:
    record.task_id = getattr(record, "task_id", "") or _task.get()
    return True


class _Console(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s: %(message)s", "%Y-%m-%d %H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:
        task_id = getattr(record, "task_id", "")
        return super().formatMessage(record) + (f" [task {task_id}]" if task_id else "")


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if task_id := getattr(record, "task_id", ""):
            told["task_id"] = task_id
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False)
