"""The one place that turns what went wrong into a status and an answer."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from masking.errors import (
    BrokenModel,
    DoesNotFit,
    GessoError,
    InUse,
    InvalidValue,
    ModelMissing,
    NotSupported,
    OutOfMemory,
    TooLarge,
    UnreadableImage,
    public_errors,
)
from pipelines.events import Failed

LONGEST_ECHO = 2000


class NotFound(GessoError):
    """A task, day or file that is not there."""


class Conflict(GessoError):
    """A task is not in the state that this needs."""


class InputMissing(GessoError):
    """A picture that was sent in earlier, and is needed, is no longer kept; `more` goes into the answer."""

    def __init__(self, message: str, *, field: str, more: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, field=field)
        self.more = more or {}


class Forbidden(GessoError):
    """The key is missing or wrong; or a page of another origin asks."""


class TooMany(GessoError):
    """More requests in a minute than `--rate-limit` allows; `Retry-After` tells the seconds to wait."""


class Misdirected(GessoError):
    """The `Host` that was called is none that this server is known by."""


class QueueFull(GessoError):
    """As many tasks wait as `--max-queue` allows; `Retry-After` tells the seconds to wait."""

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooSlow(GessoError):
    """The request's body did not arrive in time."""


class Stopping(GessoError):
    """The server is being stopped, and takes no new work; `task_id` is one that goes on after its next start."""

    retry_after_s = 30

    def __init__(self, message: str, *, task_id: str | None = None) -> None:
        super().__init__(message)
        self.task_id = task_id


class NotReady(GessoError):
    """The models are not resident yet, or the worker is being started again."""


class WorkFailed(GessoError):
    """The worker could not do what was asked, though it had looked possible."""


class DownloadFailed(GessoError):
    """A file could not be fetched from where it is to be had."""


class TaskFailed(GessoError):
    """An accepted task came to nothing; `task_id` is its record. because: the cause, whose status it has."""

    def __init__(self, message: str, *, task_id: str, because: GessoError | None = None) -> None:
        super().__init__(message, field=because.field if because else None)
        self.task_id = task_id
        self.because = because


STATUSES: Mapping[type[GessoError], int] = {
    InvalidValue: 422,
    UnreadableImage: 422,
    TooLarge: 413,
    NotSupported: 501,
    InputMissing: 424,
    ModelMissing: 424,
    BrokenModel: 424,
    DoesNotFit: 422,
    OutOfMemory: 507,
    InUse: 409,
    Forbidden: 403,
    TooMany: 429,
    QueueFull: 429,
    TooSlow: 408,
    Stopping: 503,
    Misdirected: 421,
    NotFound: 404,
    Conflict: 409,
    NotReady: 503,
    WorkFailed: 500,
    DownloadFailed: 502,
    TaskFailed: 500,
}


REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"description": str(kind.__doc__).split(";")[0].strip()}
    for kind, status in STATUSES.items()
    if status not in (403, 404, 409, 421, 422, 429, 502)
}
"""What a route that makes pictures may answer instead, for `/docs`."""


def told(failure: Failed) -> GessoError:
    """A worker's failure as the error that it was there, or as WorkFailed; NotReady where there was no worker."""
    kinds = {kind.__name__: kind for kind in public_errors() if kind.__module__ == GessoError.__module__}
    kinds[NotReady.__name__] = NotReady
    return kinds.get(failure.kind, WorkFailed)(failure.message, field=failure.field)


AT_THE_DOOR: dict[int | str, dict[str, Any]] = {
    STATUSES[kind]: {"description": str(kind.__doc__)} for kind in (Forbidden, TooSlow, TooMany, Misdirected)
}
"""What every route may answer before it has looked at anything."""


def register(app: FastAPI) -> None:
    """Answer every public error, and FastAPI's own complaints, in one shape."""
    app.add_exception_handler(GessoError, _refusal)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _other)
    app.add_exception_handler(Exception, _fault)


async def _refusal(_request: Request, error: Exception) -> JSONResponse:
    """422 looks like FastAPI's own (a list that blames a field), everything else is one sentence."""
    assert isinstance(error, GessoError)
    because = error.because if isinstance(error, TaskFailed) else None
    status = STATUSES[type(because or error)]
    body: dict[str, Any] = {"detail": str(error)}
    if status == 422:
        place = ["body", error.field] if error.field else ["body"]
        body["detail"] = [{"type": _snake(type(error).__name__), "loc": place, "msg": str(error)}]
    elif error.field:
        body["field"] = error.field
    if isinstance(error, TaskFailed | Stopping) and error.task_id:
        body["task_id"] = error.task_id
    if isinstance(error, InputMissing):
        body |= error.more
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, QueueFull | Stopping) else None
    return JSONResponse(_printable(body), status_code=status, headers=headers)


async def _invalid_request(_request: Request, error: Exception) -> JSONResponse:
    """FastAPI's list of complaints, with what was sent cut short: it may be megabytes, or no JSON at all."""
    assert isinstance(error, RequestValidationError)
    return JSONResponse({"detail": [_printable(complaint) for complaint in error.errors()]}, status_code=422)


async def _other(_request: Request, error: Exception) -> JSONResponse:
    """What the framework refuses; a body that it could not read is as wrong as any other value."""
    assert isinstance(error, HTTPException)
    if error.status_code != 400:
        return JSONResponse({"detail": error.detail}, error.status_code, error.headers)
    complaint = {"type": "body_unreadable", "loc": ["body"], "msg": str(error.detail)}
    return JSONResponse({"detail": [_printable(complaint)]}, status_code=422)


async def _fault(_request: Request, error: Exception) -> JSONResponse:
    """What nobody expected; the log has the traceback."""
    sentence = f"The server failed at this request ({type(error).__name__}); its log tells more."
    return JSONResponse({"detail": sentence}, status_code=500)


def _printable(value: Any) -> Any:
    """`value` with long texts cut, and with what JSON or UTF-8 cannot carry turned to text."""
    if isinstance(value, Mapping):
        return {str(key): _printable(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_printable(inner) for inner in value[:LONGEST_ECHO]]
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    text = str(value).encode(errors="replace").decode()
    return text if len(text) <= LONGEST_ECHO else f"{text[:LONGEST_ECHO]}… ({len(text)} characters)"


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
