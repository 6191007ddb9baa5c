"""Webhooks: the end of a task is told to the URL that asked for it, again and again until it has arrived.

The message is owed from the moment the task's end is in the store, so it survives a restart; a receiver may get the
same one twice, and knows it by its `task_id`.
"""

import asyncio
import hashlib
import hmac
import logging
import random
from collections.abc import Callable

import httpx

from configs import logs
from configs.settings import Settings
from configs.urls import is_web_url
from masking.errors import InvalidValue
from server.fetching import MOST_REDIRECTS, Guard, Refused
from server.inputs import is_given
from server.store import Store, TaskRow, now

log = logging.getLogger("gesso")

PAUSES_S = (1, 5, 30, 120, 600, 3600, 6 * 3600, 12 * 3600)
"""Seconds before the second attempt, the third, ...; after the last one the message is given up."""

ANSWER_WITHIN_S = 10.0
AT_ONCE = 32
GONE = 410


async def address(sent: str | None, settings: Settings, guard: Guard) -> str | None:
    """Who is told of a task's end: what the request says, else `--webhook-url`, else nobody. Raises InvalidValue.

    A host whose name cannot be looked up just now is let pass: it is looked up again before each message.
    """
    if not is_given(sent):
        return settings.webhook_url or None
    assert sent
    if not is_web_url(sent.strip()) or not _can_be_called(sent.strip()):
        raise InvalidValue(f"webhook_url {sent[:200]!r} is no http:// or https:// URL.", field="webhook_url")
    try:
        await guard.addresses(httpx.URL(sent.strip()))
    except Refused as refusal:
        raise InvalidValue(f"webhook_url {sent[:200]!r} cannot be called: {refusal}.", field="webhook_url") from refusal
    except httpx.ConnectError:
        pass
    return sent.strip()


def _can_be_called(url: str) -> bool:
    try:
        return bool(httpx.URL(url).raw_host) and url.isprintable() and " " not in url
    except (httpx.InvalidURL, UnicodeError):
        return False


def signature(secret: str, body: bytes) -> str:
    """The value of the header `X-Gesso-Signature`: HMAC-SHA256 of the body as it is sent, in hexadecimal digits."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Webhooks:
    """Sends what is owed. Lives on the event loop; `write` makes a task's message, in a thread.

    sign: puts signatures into a message at every attempt anew; what is kept has none.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        guard: Guard,
        write: Callable[[TaskRow, Settings], str],
        pauses_s: tuple[float, ...] = PAUSES_S,
        sign: Callable[[str], str] = str,
    ) -> None:
        self._store = store
        self._settings = settings
        self._guard = guard
        self._write = write
        self._pauses_s = pauses_s
        self._sign = sign
        self._jobs: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._client: httpx.AsyncClient | None = None

    async def start(self) -> None:
        """Go on with what an earlier run still owes."""
        self._client = await asyncio.to_thread(self._guard.client, timeout_s=ANSWER_WITHIN_S)
        for task_id in await asyncio.to_thread(self._store.undelivered):
            self.on_end(task_id)

    async def close(self) -> None:
        """Stop; what has not arrived is sent after the next start."""
        client, self._client = self._client, None
        for job in (jobs := list(self._jobs.values())):
            job.cancel()
        if jobs:
            await asyncio.wait(jobs)
        if client:
            await client.aclose()

    def on_end(self, task_id: str) -> None:
        """A task has ended: tell it to its webhook, if it has one. Returns at once."""
        if self._client and task_id not in self._jobs:
            job = self._jobs[task_id] = asyncio.create_task(self._deliver(task_id, self._client))
            job.add_done_callback(lambda ended: self._forget(task_id, ended))

    def _forget(self, task_id: str, job: asyncio.Task[None]) -> None:
        del self._jobs[task_id]
        if not job.cancelled() and (fault := job.exception()):
            log.error("The webhook of task %s is left to the next start.", task_id, exc_info=fault)

    async def _deliver(self, task_id: str, client: httpx.AsyncClient) -> None:
        """Attempt after attempt, at the times that the store remembers, until it has arrived or is given up."""
        logs.is_about(task_id)
        delivery = await asyncio.to_thread(self._store.delivery, task_id)
        if delivery is None:
            return
        body = delivery.body or await asyncio.to_thread(self._written, task_id)
        if body is None:
            return
        attempts, due_at = delivery.attempts, delivery.due_at
        while True:
            await asyncio.sleep(max(0, due_at - now()) / 1000)
            fault, is_final = await self._attempt(
                client, delivery.url, self._sign(body).encode(), task_id, attempts + 1
            )
            if fault is None:
                return await asyncio.to_thread(self._store.end_delivery, task_id)
            attempts += 1
            if is_final or attempts > len(self._pauses_s):
                warning = f"The webhook was given up after {attempts} attempt(s): {fault}."
                log.warning("Task %s: %s", task_id, warning)
                return await asyncio.to_thread(self._store.end_delivery, task_id, warning)
            due_at = now() + int(1000 * self._pauses_s[attempts - 1] * random.uniform(1, 1.1))
            log.info("The webhook of task %s comes again later: %s.", task_id, fault)
            await asyncio.to_thread(self._store.update_delivery, task_id, attempts=attempts, due_at=due_at)

    def _written(self, task_id: str) -> str | None:
        """The message, kept from now on as it is; None when the task was deleted before anything could be written."""
        row = self._store.task(task_id)
        if row is None:
            self._store.end_delivery(task_id)
            return None
        body = self._write(row, self._settings)
        self._store.update_delivery(task_id, body=body)
        return body

    async def _attempt(
        self, client: httpx.AsyncClient, url: str, body: bytes, task_id: str, attempt: int
    ) -> tuple[str | None, bool]:
        """What went wrong, None: nothing; and whether another attempt is of no use."""
        headers = {
            "Content-Type": "application/json",
            "X-Task-Id": task_id,
            "X-Gesso-Attempt": str(attempt),
        }
        if self._settings.webhook_secret:
            headers["X-Gesso-Signature"] = signature(self._settings.webhook_secret, body)
        try:
            async with self._turn, asyncio.timeout(ANSWER_WITHIN_S):
                status = await _post(client, url, body, headers)
        except TimeoutError:
            return f"no answer within {ANSWER_WITHIN_S:.0f} s", False
        except Refused as refusal:
            return str(refusal), True
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            return str(error) or type(error).__name__, False
        return (None, True) if 200 <= status < 300 else (f"it was answered with {status}", status == GONE)


async def _post(client: httpx.AsyncClient, url: str, body: bytes, headers: dict[str, str]) -> int:
    """The status in the end; a redirection is followed with the body, which GET would leave out. Nothing is read."""
    status = 0
    for _ in range(1 + MOST_REDIRECTS):
        async with client.stream("POST", url, content=body, headers=headers) as answer:
            status = answer.status_code
            if answer.next_request is None:
                break
            url = str(answer.next_request.url)
    return status
