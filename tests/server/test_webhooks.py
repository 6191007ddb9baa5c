"""Webhooks: who is told what, when, signed how, and how often where nobody listens."""

import asyncio
import hashlib
import hmac
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from configs.settings import Settings
from server.api.fooocus.reply import webhook_body
from server.fetching import Guard
from server.store import Store, TaskRow
from server.webhooks import Webhooks
from tests.server.receiving import Receiver, receiver, until
from tests.server.running import Running, start

SECRET = "kept between us"


@pytest.fixture
def told() -> Iterator[Receiver]:
    with receiver() as listening:
        yield listening


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "db.sqlite3")
    yield opened
    opened.close()


@pytest.mark.contract("0/webhook-object", "16/post", "16/body")
def test_the_end_of_a_task_is_told_as_the_record_that_everybody_reads(server: Running, told: Receiver) -> None:
    record = server.made(prompt="a red ball", webhook_url=f"{told.url}/hook?key=1")
    assert record["webhook_url"] == f"{told.url}/hook?key=1"
    (message,) = told.wait(record["task_id"])
    assert message.path == "/hook?key=1"
    assert message.headers["content-type"] == "application/json"
    assert "x-gesso-signature" not in message.headers
    assert message.record == record == server.client.get(f"/tasks/{record['task_id']}").json()


def test_the_answer_does_not_wait_for_the_webhook_and_tells_whom_it_will_tell(server: Running, told: Receiver) -> None:
    answer = server.generate(async_process=True, webhook_url=told.url).json()
    assert answer["webhook_url"] == told.url
    (message,) = told.wait(answer["task_id"])
    assert message.record["task_status"] == "finished"
    assert len(message.record["result"]) == 1


@pytest.mark.contract("16/every-end")
def test_a_task_that_is_stopped_is_told_too(server: Running, told: Receiver) -> None:
    slow = server.generate(async_process=True, image_number=32, overwrite_step=200, webhook_url=told.url).json()
    waiting = server.generate(async_process=True, webhook_url=told.url).json()
    for task in (waiting, slow):
        assert server.client.post(f"/tasks/{task['task_id']}/cancel").status_code == 200
        (message,) = told.wait(task["task_id"])
        assert message.record["task_status"] == "stop"


@pytest.mark.contract("16/retries")
def test_a_receiver_that_fails_is_told_again_until_it_takes_it(server: Running, told: Receiver) -> None:
    told.statuses = [500]
    task_id = server.made(webhook_url=told.url)["task_id"]
    first, second = told.wait(task_id, 2)
    assert first.body == second.body
    assert [message.headers["x-gesso-attempt"] for message in (first, second)] == ["1", "2"]


def test_urls_in_the_message_begin_with_what_the_client_called(server: Running, told: Receiver) -> None:
    body = {"aspect_ratios_selection": "64*64", "overwrite_step": 1, "webhook_url": told.url}
    headers = {"X-Forwarded-Host": "pictures.example", "X-Forwarded-Proto": "https"}
    record = server.client.post("/v1/engine/generate", json=body, headers=headers).json()
    (message,) = told.wait(record["task_id"])
    assert message.record["result"] == record["result"]
    assert record["result"][0].startswith("https://pictures.example/")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/x",
        "127.0.0.1:80/x",
        "http://",
        "http://x:port/",
        "hook",
        "http://a b/",
        "http://x\u0000y/",
        "http://x/\r\nA: b",
    ],
)
def test_what_is_no_web_url_is_422(server: Running, url: str) -> None:
    answer = server.generate(webhook_url=url)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "webhook_url"]


@pytest.mark.contract("0/failed-tasks", "1/webhook-url", "16/every-end", "16/retries", "16/signature")
def test_what_is_owed_survives_a_kill_and_is_signed(tmp_path: Path, toy_models: Path, told: Receiver) -> None:
    settings = ("--webhook-secret", SECRET, "--webhook-url", f"{told.url}/usual")
    running = start(tmp_path / "server", toy_models, *settings)
    running.wait()
    told.otherwise = 503
    owed = running.made(prompt="nobody took it")
    told.wait(owed["task_id"])
    cut = running.generate(async_process=True, image_number=32, overwrite_step=200, webhook_url=f"{told.url}/own")
    until(lambda: running.client.get(f"/tasks/{cut.json()['task_id']}").json()["task_status"] == "running")
    running.process.kill()
    running.process.wait()
    running.client.close()
    with closing(sqlite3.connect(running.outputs / "db.sqlite3")) as database:
        database.execute(
            "UPDATE tasks SET starts = 30 WHERE task_id = ?", (cut.json()["task_id"],)
        )  # so it is given up
        database.commit()
    told.otherwise = 200
    told.messages.clear()
    again = start(tmp_path / "server", toy_models, *settings)
    again.wait("/healthz")
    (late,) = told.wait(owed["task_id"])
    (failed,) = told.wait(cut.json()["task_id"])
    assert again.stop() == 0, again.log
    assert (late.path, late.record["result"]) == ("/usual", owed["result"])
    assert (failed.path, failed.record["task_status"]) == ("/own", "failed")
    assert failed.record["error"]
    for message in (late, failed):
        digest = hmac.new(SECRET.encode(), message.body, hashlib.sha256).hexdigest()
        assert message.headers["x-gesso-signature"] == f"sha256={digest}"


def test_a_deleted_task_is_still_told(store: Store, told: Receiver) -> None:
    told.statuses = [500]

    def delete() -> None:
        told.wait("a")
        store.delete_task("a")

    ended(store, told.url, pauses_s=(0.5,), meanwhile=delete)
    assert store.task("a") is None
    assert len(told.wait("a", 2)) == 2


def test_what_never_arrives_is_given_up_and_the_record_says_so(store: Store, told: Receiver) -> None:
    told.otherwise = 500
    ended(store, told.url, pauses_s=(0, 0))
    assert len(told.of("a")) == 3
    row = store.task("a")
    assert row
    assert any("500" in warning and "webhook" in warning for warning in row.warnings)


def test_a_receiver_that_is_gone_for_good_is_asked_once(store: Store, told: Receiver) -> None:
    told.otherwise = 410
    ended(store, told.url, pauses_s=(0, 0))
    assert len(told.of("a")) == 1


@pytest.mark.contract("16/redirects")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirection_gets_the_whole_message(store: Store, told: Receiver, status: int) -> None:
    told.statuses = [status]
    ended(store, told.url)
    assert [message.path for message in told.of("a")] == ["/", "/moved"]
    assert told.of("a")[1].record["task_id"] == "a"


@pytest.mark.contract("0/webhook-object", "16/body")
def test_the_old_form_is_the_record_as_text_within_json(store: Store, told: Receiver) -> None:
    ended(store, told.url, webhook_legacy=True)
    (message,) = told.of("a")
    text = json.loads(message.body)
    assert isinstance(text, str)
    assert json.loads(text)["task_id"] == "a"


def ended(
    store: Store,
    url: str,
    *,
    pauses_s: tuple[float, ...] = (),
    meanwhile: Callable[[], None] = lambda: None,
    **more: Any,
) -> None:
    """Let task "a" end, and wait until its webhook has been told, or given up."""
    store.add(_row("a", url))

    async def tell() -> None:
        settings = Settings(allow_host=("127.0.0.1",), **more)
        guard = Guard(settings)
        webhooks = Webhooks(store, settings, guard, webhook_body, pauses_s)
        await webhooks.start()
        store.finish("a", [])
        webhooks.on_end("a")
        await asyncio.to_thread(meanwhile)
        await asyncio.to_thread(until, lambda: not store.undelivered())
        await webhooks.close()
        guard.close()

    asyncio.run(tell())


def _row(task_id: str, url: str) -> TaskRow:
    return TaskRow(
        task_id=task_id,
        status="running",
        asked={},
        plan="{}",
        form="png",
        save_name=None,
        keep_metadata=False,
        warnings=[],
        effective={"seeds": [1]},
        error=None,
        webhook_url=url,
        queued_at=1,
        started_at=2,
        finished_at=None,
    )
