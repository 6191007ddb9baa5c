"""Sections 14 and 16: tasks and webhooks, as far as no other test shows them already."""

import pytest

from tests.server.receiving import receiver, until
from tests.server.running import Running


@pytest.mark.contract("14/pages", "14/newest-first")
def test_a_page_of_history_has_ten_tasks_when_nothing_else_is_said(server: Running) -> None:
    made = [server.made()["task_id"] for _ in range(11)][::-1]
    first = server.client.get("/tasks").json()["history"]
    second = server.client.get("/tasks", params={"page": 1}).json()["history"]
    assert [record["task_id"] for record in first] == made[:10]
    assert second[0]["task_id"] == made[10]


@pytest.mark.contract("14/task-by-id", "14/current")
def test_a_running_task_is_read_as_it_is_and_is_no_history_yet(server: Running) -> None:
    told = server.generate(image_number=32, overwrite_step=200, async_process=True).json()
    url = f"/tasks/{told['task_id']}"
    until(lambda: server.client.get(url).json()["progress"] > 0)
    record = server.client.get(url).json()
    assert (record["task_status"], record["finish_mills"]) == ("running", -1)
    assert record["id"] > 0
    lists = server.client.get("/tasks").json()
    assert told["task_id"] in [one["task_id"] for one in lists["current"]]
    assert told["task_id"] not in [one["task_id"] for one in lists["history"]]
    assert server.client.post(f"{url}/cancel").json()["task_status"] == "stop"


@pytest.mark.contract("16/redirects", "16/post")
def test_a_webhook_that_is_moved_is_followed(server: Running) -> None:
    with receiver() as told:
        told.statuses = [307]
        task_id = server.made(webhook_url=f"{told.url}/hook")["task_id"]
        messages = told.wait(task_id, 2)
    assert [message.path for message in messages] == ["/hook", "/moved"]
    assert messages[1].record["task_id"] == task_id
